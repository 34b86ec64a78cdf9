//! What a confined process may reach.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// What the process of a method may reach beyond the files of the system, which it may read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Access {
    /// Files and folders that it may read.
    pub readable: Vec<PathBuf>,
    /// Folders in which it may do anything.
    pub writable: Vec<PathBuf>,
    /// Folders that it must not read, even if they are among files of the system.
    pub hidden: Vec<PathBuf>,
    /// Whether it computes on a GPU, and needs its devices and the driver's cache.
    pub gpu: bool,
}

impl Access {
    /// Reads the library at `path`, and those beside it, which it may be linked with.
    pub(crate) fn to_library(path: &Path) -> Self {
        let folder = path.parent().and_then(|folder| folder.read_dir().ok());
        let beside = folder.into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| is_library(path));
        Self { readable: beside.chain([path.to_owned()]).collect(), ..Self::default() }
    }
}

/// Whether a file has the name of a dynamic library.
fn is_library(path: &Path) -> bool {
    let name = path.file_name().unwrap_or(OsStr::new("")).to_string_lossy();
    name.ends_with(".so") || name.contains(".so.") || name.ends_with(".dylib")
}
