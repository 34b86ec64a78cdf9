//! Opens an HDF5 file for reading, and tells a file of another kind from one that cannot be opened now.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::hdf5_error::Hdf5Context;
use super::hdf5_library::confine;
use crate::error::{IoContext, one_line};
use crate::{Error, Result, regular_file};

/// What an HDF5 file begins with, or has at 512 bytes, 1024 and so on.
const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";

/// Opens a file.
///
/// # Errors
/// [`Error::Io`] if it cannot be read; [`Error::Format`] if it is no HDF5 file, or some program is writing it; [`Error::Hdf5`] with the
/// library's reason.
pub(super) fn open(path: &Path) -> Result<hdf5::File> {
    let expected = "an HDF5 file of The Well";
    // A pipe may never open.
    if !fs::metadata(path).at("read", path)?.is_file() {
        return Err(Error::format(path, "file", expected, "no regular file"));
    }
    let file = regular_file::open(path).at("read", path)?;
    if let Some(beginning) = other(file).at("read", path)? {
        let found = match beginning.as_slice() {
            [] => "an empty file".into(),
            bytes => format!("one that begins with \"{}\"", bytes.escape_ascii()),
        };
        return Err(Error::format(path, "file", expected, found));
    }
    confine(path)?;
    match hdf5::File::open(path) {
        Err(error) if is_in_use(&one_line(&error)) => {
            let found = format!(
                "one that is open for writing ({}); close it there, or clear what a killed program left with h5clear -s",
                one_line(&error)
            );
            Err(Error::format(path, "file", "a file that no program writes", found))
        }
        opened => opened.h5(path, "open the file"),
    }
}

/// The first bytes of a file that has no signature of HDF5.
fn other(mut file: File) -> io::Result<Option<Vec<u8>>> {
    let mut at = 0;
    loop {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(at))?;
        file.by_ref().take(SIGNATURE.len() as u64).read_to_end(&mut bytes)?;
        if bytes == SIGNATURE {
            return Ok(None);
        }
        if bytes.len() < SIGNATURE.len() {
            break;
        }
        at = (2 * at).max(512);
    }
    let mut beginning = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(SIGNATURE.len() as u64).read_to_end(&mut beginning)?;
    Ok(Some(beginning))
}

/// Whether the library refuses a file because it is open for writing: by a lock, or by a mark in the file.
fn is_in_use(reason: &str) -> bool {
    let locked = reason.contains("unable to lock file") && reason.contains("Resource temporarily unavailable");
    locked || reason.contains("already open for write")
}
