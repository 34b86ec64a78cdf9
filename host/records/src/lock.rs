//! Locks on folders, so that two processes do not write to the same one.

use std::{
    fs::{self, File, TryLockError},
    path::Path,
};

use crate::error::{Error, Result};

const FILE: &str = ".lock";

/// The lock of a folder, held until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl Lock {
    /// Locks `folder`, which is created if missing. `in_use` is the error's text if another process holds the lock.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if another process holds it; [`Error::Io`] if the folder cannot be created or locked.
    pub fn take(folder: &Path, in_use: &str) -> Result<Self> {
        let path = folder.join(FILE);
        let file = create(folder)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Error::Locked { path: folder.to_owned(), reason: in_use.to_owned() }),
            Err(TryLockError::Error(source)) => Err(Error::Io { path, source }),
        }
    }

    /// Locks `folder`, which is created if missing; waits while another process holds the lock.
    ///
    /// # Errors
    ///
    /// If the folder cannot be created or locked.
    pub fn wait(folder: &Path) -> Result<Self> {
        let file = create(folder)?;
        file.lock().map_err(Error::io(folder.join(FILE)))?;
        Ok(Self(file))
    }
}

fn create(folder: &Path) -> Result<File> {
    fs::create_dir_all(folder).map_err(Error::io(folder))?;
    let path = folder.join(FILE);
    File::create(&path).map_err(Error::io(&path))
}

/// Whether a process holds the lock of `folder`.
///
/// # Errors
///
/// If the lock cannot be read.
pub fn is_locked(folder: &Path) -> Result<bool> {
    let path = folder.join(FILE);
    if !path.is_file() {
        return Ok(false);
    }
    match File::open(&path).map_err(Error::io(&path))?.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(Error::Io { path, source }),
    }
}
