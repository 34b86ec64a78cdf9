//! Files that are whole or absent: written beside their place, synced, then renamed.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::Path,
};

use serde::{Serialize, de::DeserializeOwned};
use tempfile::NamedTempFile;

use crate::{Error, Result};

/// Puts `bytes` at `path`, replacing what is there in one step; creates the folder.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(Error::io(folder))?;
    let mut file = temporary(folder).map_err(Error::io(folder))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(Error::io(path))?;
    file.persist(path).map_err(|e| Error::Io { path: path.to_owned(), source: e.error })?;
    // The rename itself is durable once the folder is.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder))
}

/// A temporary file with the permissions of any new file; the default is the owner's alone.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Claims `folder` for this process until the result is dropped; creates the folder.
pub fn claim(folder: &Path) -> Result<File> {
    fs::create_dir_all(folder).map_err(Error::io(folder))?;
    let path = folder.join(".lock");
    let lock = File::create(&path).map_err(Error::io(&path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::File {
            path: folder.to_owned(),
            reason: "another run is at work here; wait for it, or give this one another folder with --out".into(),
        }),
        Err(TryLockError::Error(source)) => Err(Error::Io { path, source }),
    }
}

/// Whether a process has claimed `folder`.
pub fn claimed(folder: &Path) -> Result<bool> {
    let path = folder.join(".lock");
    if !path.is_file() {
        return Ok(false);
    }
    match File::open(&path).map_err(Error::io(&path))?.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(Error::Io { path, source }),
    }
}

/// Puts `value` at `path` as indented JSON.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|e| Error::File { path: path.to_owned(), reason: format!("cannot be written as JSON: {e}") })?;
    text.push(b'\n');
    write(path, &text)
}

/// The whole file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(Error::io(path))
}

/// The JSON at `path`.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_slice(&read(path)?)
        .map_err(|e| Error::File { path: path.to_owned(), reason: format!("not the JSON that was expected here: {e}") })
}

/// BLAKE3 of the file's bytes, in hexadecimal.
pub fn checksum(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    File::open(path).and_then(|file| hasher.update_reader(file).map(|_| ())).map_err(Error::io(path))?;
    Ok(hasher.finalize().to_hex().to_string())
}
