//! Locks on folders, so that two processes do not do the same work.

use std::{fs::File, ops::ControlFlow, path::Path};

use physrep_benchmarks::file_lock::{FileLock, holder};

use crate::error::{Error, Result};

const FILE: &str = ".lock";

/// The lock of a folder, held until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not read")] FileLock);

impl Lock {
    /// Locks `folder`, which is created if missing. `in_use` is the error's text if another process holds the lock, which is named behind
    /// it.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if another process holds it; [`Error::Io`] if the folder cannot be created or locked.
    pub fn take(folder: &Path, in_use: &str) -> Result<Self> {
        let path = folder.join(FILE);
        match FileLock::try_take(&path).map_err(Error::io(&path))? {
            Some(lock) => Ok(Self(lock)),
            None => Err(Error::Locked { path: folder.to_owned(), reason: format!("{in_use} ({})", holder(&path)) }),
        }
    }

    /// Locks `folder`, which is created if missing; waits while another process holds the lock. `waiting` is called again and again with
    /// the name of that process; none if it asks for an end.
    ///
    /// # Errors
    ///
    /// If the folder cannot be created or locked.
    pub fn wait(folder: &Path, waiting: impl FnMut(&str) -> ControlFlow<()>) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        Ok(FileLock::wait(&path, waiting).map_err(Error::io(&path))?.map(Self))
    }
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
    let file = File::open(&path).map_err(Error::io(&path))?;
    Ok(matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)))
}
