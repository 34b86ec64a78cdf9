//! Errors of the HDF5 library, with the file and the action.

use std::io;
use std::path::Path;

use crate::{Error, Result};

/// Adds the file and the action to an error of HDF5.
pub(super) trait Hdf5Context<T> {
    fn h5(self, path: &Path, action: &str) -> Result<T>;
}

impl<T> Hdf5Context<T> for hdf5::Result<T> {
    fn h5(self, path: &Path, action: &str) -> Result<T> {
        self.map_err(|error| {
            let source = of_the_system(&error.to_string()).map_or_else(|| error.into(), Into::into);
            Error::Hdf5 { path: path.into(), action: action.into(), source }
        })
    }
}

/// The error of the operating system that the library tells of, between addresses and offsets of its own.
fn of_the_system(text: &str) -> Option<io::Error> {
    let (_, number) = text.split_once("errno = ")?;
    let digits = number.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|&number| number > 0).map(io::Error::from_raw_os_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_what_the_library_says() {
        let text =
            "file write failed: file descriptor = 4, errno = 28, error message = 'No space left on device', buf = 0x7f";
        let failed: Result<()> = Err(hdf5::Error::from(text)).h5(Path::new("a.hdf5"), "write the file");
        let message = failed.unwrap_err().to_string();
        assert!(message.starts_with("a.hdf5: cannot write the file: No space left on device"), "{message}");
        assert!(message.ends_with("free some space, and run the same command again"), "{message}");
    }
}
