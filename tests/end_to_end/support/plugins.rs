//! The plugins that the tests use, each built once.

use std::{
    collections::HashMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

use serde_json::Value;

use super::root;

/// A plugin crate of this repository: its package, and its folder.
#[derive(Clone, Copy)]
pub struct Plugin {
    package: &'static str,
    folder: &'static str,
}

pub const AUTOENCODER: Plugin = Plugin { package: "physrep-autoencoder", folder: "plugins/autoencoder" };
pub const DISCO: Plugin = Plugin { package: "physrep-disco", folder: "plugins/disco" };
pub const JEPA: Plugin = Plugin { package: "physrep-jepa", folder: "plugins/jepa" };
pub const MPP: Plugin = Plugin { package: "physrep-mpp", folder: "plugins/mpp" };
pub const VIDEOMAE: Plugin = Plugin { package: "physrep-videomae", folder: "plugins/videomae" };
/// Misbehaves on demand.
pub const HOSTILE: Plugin = Plugin { package: "physrep-hostile", folder: "tests/plugins/hostile" };
/// Looks for labels and tries to do harm.
pub const PRYING: Plugin = Plugin { package: "physrep-prying", folder: "tests/plugins/prying" };
/// Writes down everything it is given.
pub const SPY: Plugin = Plugin { package: "physrep-spy", folder: "tests/plugins/spy" };
/// Reads clips in device memory, of the mock CUDA driver.
pub const DEVICE_MEMORY: Plugin = Plugin { package: "physrep-device-memory", folder: "tests/plugins/device-memory" };
/// Its root module has another layout than this ABI's.
pub const FOREIGN_ROOT: Plugin = Plugin { package: "physrep-foreign-root", folder: "tests/plugins/foreign-root" };
/// Its method table has another layout than this ABI's.
pub const FOREIGN_TABLE: Plugin = Plugin { package: "physrep-foreign-table", folder: "tests/plugins/foreign-table" };

/// The table of an optional interface has another layout than this ABI's.
pub const FOREIGN_FINETUNE: Plugin =
    Plugin { package: "physrep-foreign-finetune", folder: "tests/plugins/foreign-finetune" };
/// Returns invalid tensors on demand.
pub const HOSTILE_TENSORS: Plugin =
    Plugin { package: "physrep-hostile-tensors", folder: "tests/plugins/hostile-tensors" };

/// The trained probes; no method.
pub const PROBE_LIBRARY: Plugin = Plugin { package: "physrep-probe-library", folder: "host/probe-library" };

const ALL: [Plugin; 14] = [
    AUTOENCODER,
    DISCO,
    JEPA,
    MPP,
    VIDEOMAE,
    HOSTILE,
    PRYING,
    SPY,
    DEVICE_MEMORY,
    FOREIGN_ROOT,
    FOREIGN_TABLE,
    FOREIGN_FINETUNE,
    HOSTILE_TENSORS,
    PROBE_LIBRARY,
];

impl Plugin {
    /// The crate's folder.
    pub fn folder(self) -> PathBuf {
        root().join(self.folder)
    }

    /// The library, built.
    pub fn library(self) -> &'static Path {
        static LIBRARIES: LazyLock<HashMap<String, PathBuf>> = LazyLock::new(build);
        &LIBRARIES[self.package]
    }

    /// The library as an argument of the program.
    pub fn argument(self) -> String {
        self.library().display().to_string()
    }
}

/// Builds all plugins in one go, together with the program so that dependencies keep their features; gives the libraries by package.
fn build() -> HashMap<String, PathBuf> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--release", "--locked", "--lib", "--message-format=json-render-diagnostics"]);
    for package in ALL.iter().map(|plugin| plugin.package).chain([env!("CARGO_PKG_NAME")]) {
        command.args(["-p", package]);
    }
    // cargo sets these for this test. Build scripts that read them, such as ring's, would run again.
    let of_this_test = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_NAME", "CARGO_BIN_NAME", "OUT_DIR"];
    for (name, _) in env::vars().filter(|(name, _)| of_this_test.iter().any(|prefix| name.starts_with(prefix))) {
        command.env_remove(name);
    }
    let output = command.current_dir(root()).stdin(Stdio::null()).output().expect("cargo runs");
    assert!(output.status.success(), "the plugins do not build:\n{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8_lossy(&output.stdout);
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let artifacts = messages.filter(|message| message["reason"] == "compiler-artifact");
    let libraries = artifacts.filter_map(|artifact| {
        let files = artifact["filenames"].as_array()?.iter().filter_map(|file| file.as_str().map(PathBuf::from));
        let library =
            files.into_iter().find(|file| file.extension().is_some_and(|end| end == env::consts::DLL_EXTENSION))?;
        let plugin = ALL.iter().find(|plugin| {
            artifact["manifest_path"].as_str().map(Path::new) == Some(&plugin.folder().join("Cargo.toml"))
        })?;
        Some((plugin.package.to_owned(), library))
    });
    libraries.collect()
}

/// A library from C code.
pub fn compile(folder: &Path, name: &str, source: &str) -> PathBuf {
    let (code, library) = (folder.join(format!("{name}.c")), folder.join(format!("{name}.so")));
    fs::write(&code, source).expect("writable");
    let status = Command::new("cc").args(["-w", "-shared", "-fPIC", "-o"]).arg(&library).arg(&code).status();
    assert!(status.expect("a C compiler").success());
    library
}
