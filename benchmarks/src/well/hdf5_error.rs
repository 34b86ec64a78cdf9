//! Errors of the HDF5 library, with the file and the action.

use std::path::Path;

use crate::{Error, Result};

/// Adds the file and the action to an error of HDF5.
pub(super) trait Hdf5Context<T> {
    fn h5(self, path: &Path, action: &str) -> Result<T>;
}

impl<T> Hdf5Context<T> for hdf5::Result<T> {
    fn h5(self, path: &Path, action: &str) -> Result<T> {
        self.map_err(|source| Error::Hdf5 { path: path.into(), action: action.into(), source: source.into() })
    }
}
