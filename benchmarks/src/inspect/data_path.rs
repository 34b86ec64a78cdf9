//! What a path names: one file, a data set, or a folder of several.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::IoContext;
use crate::split::Split;
use crate::well::files_in;
use crate::{Error, Result};

/// What a path names, and can be inspected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataPath {
    /// One file.
    File(PathBuf),
    /// The files of one data set.
    DataSet(DataSet),
}

/// The files of one data set: `FOLDER/data/<split>/*.hdf5`, and the packed files beside them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataSet {
    /// The folder, which carries the data set's name.
    pub folder: PathBuf,
    /// The files of The Well, split by split, sorted by name.
    pub files: Vec<(Split, PathBuf)>,
    /// The packed files in the folder, sorted by name.
    pub packed: Vec<PathBuf>,
}

/// What `path` is: a file; the folder of a data set, with `data/train` in it; a folder of files; or a folder of data
/// sets, such as the one `data generate` was given or The Well's own with `datasets` in it.
///
/// # Errors
/// [`Error::Io`] if it cannot be read, [`Error::Folder`] if it is a folder without data.
pub fn find_data(path: &Path) -> Result<Vec<DataPath>> {
    if !fs::metadata(path).at("read", path)?.is_dir() {
        return Ok(vec![DataPath::File(path.into())]);
    }
    if let Some(set) = data_set(path)? {
        return Ok(vec![DataPath::DataSet(set)]);
    }
    let mut targets: Vec<DataPath> = files_in(path)?.into_iter().chain(packed_in(path)?).map(DataPath::File).collect();
    for folder in [path.to_owned(), path.join("datasets")] {
        for inner in entries(&folder)?.into_iter().filter(|inner| inner.is_dir()) {
            targets.extend(data_set(&inner)?.map(DataPath::DataSet));
        }
    }
    if targets.is_empty() {
        let reason = "there is no data: expected a file, a folder with data/train/*.hdf5, or a folder of such folders";
        return Err(Error::folder(path, reason));
    }
    Ok(targets)
}

/// The data set in `folder`, if it is the folder of one.
fn data_set(folder: &Path) -> Result<Option<DataSet>> {
    let mut files = Vec::new();
    let mut splits = 0;
    for split in Split::ALL {
        let folder = folder.join("data").join(split.name());
        if folder.is_dir() {
            splits += 1;
            files.extend(files_in(&folder)?.into_iter().map(|path| (split, path)));
        }
    }
    if splits == 0 {
        return Ok(None);
    }
    Ok(Some(DataSet { folder: folder.into(), files, packed: packed_in(folder)? }))
}

fn packed_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = entries(folder)?;
    files.retain(|path| path.extension().is_some_and(|e| e == "packed"));
    Ok(files)
}

/// What is in a folder, sorted by name; nothing if there is no such folder.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).at("read folder", folder)?;
    let mut paths = entries.map(|entry| Ok(entry.at("read folder", folder)?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

impl DataSet {
    /// The data set's name: the folder's.
    pub fn name(&self) -> String {
        let folder = self.folder.canonicalize().unwrap_or_else(|_| self.folder.clone());
        folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}
