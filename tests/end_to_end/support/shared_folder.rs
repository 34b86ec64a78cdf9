//! A temporary folder that all tests of this process share.

use std::{fs, path::Path, sync::LazyLock};

use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    extern "C" fn remove() {
        let _ = fs::remove_dir_all(FOLDER.path());
    }
    // SAFETY: the function neither unwinds nor uses anything that is gone when the process ends; statics are never dropped.
    unsafe { libc::atexit(remove) };
    tempfile::tempdir().expect("a temporary folder")
});

/// The folder. It is removed when the process ends.
pub fn shared_folder() -> &'static Path {
    FOLDER.path()
}
