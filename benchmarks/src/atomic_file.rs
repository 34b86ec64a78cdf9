//! Atomic writes: a file is either complete or missing.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::Result;
use crate::error::IoContext;

/// Makes a folder and its parents.
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).at("create folder", path)
}

/// Writes `path` through a temporary file beside it. `write` fills the file; then its bytes are forced to disk, and it
/// replaces `path`.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let folder = folder_of(path);
    let mut file = unfinished_in(folder)?;
    write(file.as_file_mut())?;
    file.as_file().sync_all().at("write", path)?;
    file.persist(path).map_err(|e| e.error).at("rename to", path)?;
    sync_folder(folder)
}

/// [`replace`] with the given bytes.
pub(crate) fn replace_with(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, |file| file.write_all(bytes).at("write", path))
}

/// Forces a finished file to the disk and gives it its name.
pub(crate) fn publish(unfinished: &Path, path: &Path) -> Result<()> {
    File::open(unfinished).and_then(|file| file.sync_all()).at("write", unfinished)?;
    fs::rename(unfinished, path).at("rename to", path)?;
    sync_folder(folder_of(path))
}

/// A file's folder; the current one for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A rename is on the disk only when its folder is.
fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|f| f.sync_all()).at("write", folder)
}

/// A temporary file with the permissions of any other file, which the user's umask decides.
fn unfinished_in(folder: &Path) -> Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".")
        .suffix(".unfinished")
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .at("create a file in", folder)
}
