//! Where things are in the repository.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the host's crate is in the repository")
}

/// The path of `tests/{name}`.
pub fn fixture(name: &str) -> PathBuf {
    root().join("tests").join(name)
}
