//! The files of a method's crate. Their template is a crate of this workspace, `plugin-api/template`, with its own tests.

use std::{fs, path::Path};

use super::files::{named, write_file};
use crate::{
    error::{Error, Result},
    sdk::Sdk,
};

/// The files of a crate and their templates, in which `my-method` stands for the name.
const FILES: [(&str, &str); 7] = [
    ("build.rs", include_str!("../../../../plugin-api/template/build.rs")),
    ("src/lib.rs", include_str!("../../../../plugin-api/template/src/lib.rs")),
    ("tests/conformance.rs", include_str!("../../../../plugin-api/template/tests/conformance.rs")),
    ("smoke.toml", include_str!("../../../../plugin-api/template/smoke.toml")),
    ("tuning.toml", include_str!("../../../../plugin-api/template/tuning.toml")),
    ("README.md", include_str!("../../../../plugin-api/template/README.md")),
    (".gitignore", "/target\n/runs\n"),
];

/// The beginning of every manifest.
const MANIFEST: &str = include_str!("../../../../plugin-api/template/Cargo.toml");

/// Writes the crate of a method called `name`.
pub(super) fn write(name: &str, folder: &Path, sdk: &Sdk) -> Result<()> {
    for (file, template) in FILES {
        write_file(&folder.join(file), &named(template, name))?;
    }
    let manifest = named(MANIFEST, name);
    if folder.parent() == Some(&sdk.methods()) {
        // A member of the checkout's workspace.
        return write_file(&folder.join("Cargo.toml"), &manifest);
    }
    let path = toml::Value::from(sdk.root().join("plugin-api").to_string_lossy().into_owned());
    let manifest = manifest
        .replace("license.workspace = true\n", "") // which is the author's choice
        .replace("physrep-plugin-api.workspace = true", &format!("physrep-plugin-api = {{ path = {path} }}"))
        .replace("serde.workspace = true", "serde = { version = \"1\", features = [\"derive\"] }");
    let workspace = "\n# A workspace of its own, wherever it is.\n[workspace]\n";
    let profile =
        format!("\n# As the bundled methods are built: a build shares their dependencies.\n{}", sdk.profile()?);
    write_file(&folder.join("Cargo.toml"), &(manifest + workspace + &profile))?;
    // The versions that the SDK is tested with.
    let lock = sdk.root().join("Cargo.lock");
    write_file(&folder.join("Cargo.lock"), &fs::read_to_string(&lock).map_err(Error::io(lock))?)?;
    let target = toml::Value::from(sdk.root().join("target").to_string_lossy().into_owned());
    let config =
        format!("# What methods depend on is built once, not once for each of them.\n[build]\ntarget-dir = {target}\n");
    write_file(&folder.join(".cargo/config.toml"), &config)
}
