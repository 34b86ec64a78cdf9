//! The HDF5 library, kept from everything but the file that it is asked to open.

use std::path::Path;
use std::sync::OnceLock;

use hdf5::sync::sync;
use hdf5_sys::h5l::{H5L_type_t, H5Lunregister};
use hdf5_sys::h5pl::H5PLset_loading_state;

use crate::{Error, Result};

/// Makes the library of this process load no plugins and follow no link to another file: the file to which a link leads may be a pipe, and
/// plugins are looked for in a folder of the machine that built the library.
///
/// # Errors
/// [`Error::Hdf5`] with the file that is to be opened, if the library refuses.
pub(super) fn confine(path: &Path) -> Result<()> {
    static CONFINED: OnceLock<bool> = OnceLock::new();
    let confined = CONFINED.get_or_init(|| {
        sync(|| {
            let mut no_plugins = 0;
            // SAFETY: the library is initialised, and no other thread is in it; the pointer is valid. External links are of the
            // first class that is not built in, so that it can be removed.
            unsafe { H5PLset_loading_state(&mut no_plugins) >= 0 && H5Lunregister(H5L_type_t::H5L_TYPE_EXTERNAL) >= 0 }
        })
    });
    if *confined {
        return Ok(());
    }
    let source = "it still loads plugins or follows links to other files".into();
    Err(Error::Hdf5 { path: path.into(), action: "confine the HDF5 library".into(), source })
}
