//! The files of a method in Python. Its code is that of an example, which has tests of its own.

use std::path::Path;

use super::files::{named, write_file};
use crate::error::Result;

/// The files of a method and their templates. Its code has a folder of its own: it reads all of that, and a run must not be in there.
const FILES: [(&str, &str); 4] = [
    ("src/method.py", include_str!("../../../../plugin-api/python/examples/numpy_pca/method.py")),
    ("smoke.toml", include_str!("../../../../plugin-api/template/smoke.toml")),
    ("README.md", include_str!("../../../../plugin-api/python/template/README.md")),
    (".gitignore", "/runs\n__pycache__\n"),
];

/// The settings of the example, and the name that it has there.
const SETTINGS: &str = include_str!("../../../../plugin-api/python/examples/numpy_pca/method.toml");
const NAME: &str = "numpy-pca";

/// Writes the folder of a method called `name`.
pub(super) fn write(name: &str, folder: &Path) -> Result<()> {
    for (file, template) in FILES {
        write_file(&folder.join(file), &named(template, name))?;
    }
    write_file(&folder.join("src/method.toml"), &SETTINGS.replace(NAME, name))
}
