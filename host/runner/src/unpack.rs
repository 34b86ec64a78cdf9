//! Archives that a program carries or came with, unpacked once into a folder of the user.

use std::{fs, io, io::Read, iter, path::Path};

use tar::Archive;

use crate::error::{Error, Result};

/// Unpacks a tar archive into the folder `root`, and lets `finish` change what is in there, unless the folder is there already. It appears
/// as a whole; two processes may unpack at once.
///
/// # Errors
///
/// If something cannot be read or written; the error of `finish`.
pub fn unpack_once<E: From<Error>>(
    root: &Path,
    archive: impl Read,
    finish: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    if root.is_dir() {
        return Ok(());
    }
    let folder = root.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::io(folder))?;
    let new = tempfile::tempdir_in(folder).map_err(Error::io(folder))?;
    Archive::new(archive).unpack(new.path()).map_err(with_causes).map_err(Error::io(new.path()))?;
    finish(new.path())?;
    match fs::rename(new.path(), root) {
        Err(_) if root.is_dir() => Ok(()), // another process was faster
        renamed => Ok(renamed.map_err(Error::io(root))?),
    }
}

/// The same error with its causes: those of `tar` say what could not be written, but not why.
fn with_causes(error: io::Error) -> io::Error {
    let causes = iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let text = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    io::Error::new(error.kind(), text)
}
