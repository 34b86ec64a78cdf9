//! Folders that are there as a whole or not at all.

use std::{fs, path::Path};

use crate::error::Result;

/// Makes `folder`, which was not there or empty, with `write`. What there is of it after an error is removed: it would be refused the next
/// time.
///
/// # Errors
///
/// That of `write`.
pub fn make_whole<T>(folder: &Path, write: impl FnOnce() -> Result<T>) -> Result<T> {
    write().inspect_err(|_| {
        let _ = fs::remove_dir_all(folder);
    })
}
