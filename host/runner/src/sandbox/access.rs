//! What a confined process may reach.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// What the process of a method may reach beyond the files of the system, which it may read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Access {
    /// The library, which may be anywhere.
    pub library: PathBuf,
    /// Files and folders that it may read.
    pub readable: Vec<PathBuf>,
    /// Programs that it starts, wherever they are: it may read them and the installations that they are parts of.
    pub programs: Vec<PathBuf>,
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
        Self { library: path.to_owned(), readable: beside.collect(), ..Self::default() }
    }
}

/// Whether this is a dynamic library by its name, and a file of its folder, not a link to somewhere else.
fn is_library(path: &Path) -> bool {
    let Ok(file) = path.canonicalize() else { return false };
    if file.parent() != path.parent() || !file.is_file() {
        return false;
    }
    let name = path.file_name().unwrap_or(OsStr::new("")).to_string_lossy();
    name.ends_with(".so") || name.contains(".so.") || name.ends_with(".dylib")
}
