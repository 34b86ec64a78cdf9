//! Where the files of a data set are, and what they are called.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::IoContext;
use crate::split::Split;
use crate::{Error, Result};

/// The folder of a split: `DIR/<system>/data/<split>`.
pub fn split_folder(data: &Path, system: &str, split: Split) -> PathBuf {
    data.join(system).join("data").join(split.name())
}

/// Where the statistics of a data set are: `DIR/<system>/stats.yaml`.
pub fn stats_file(data: &Path, system: &str) -> PathBuf {
    data.join(system).join("stats.yaml")
}

/// The files of a split, `*.hdf5` and `*.h5`, sorted by name as The Well's own reader sorts them.
///
/// # Errors
/// [`Error::Io`] if the folder cannot be read, [`Error::Folder`] if it holds no such file.
pub fn split_files(data: &Path, system: &str, split: Split) -> Result<Vec<PathBuf>> {
    let folder = split_folder(data, system, split);
    let files = files_in(&folder)?;
    if files.is_empty() {
        let reason = format!("there is no .hdf5 file of the {split} split; generate or fetch the data first");
        return Err(Error::folder(&folder, reason));
    }
    Ok(files)
}

/// The HDF5 files of a folder, sorted by name; hidden ones are unfinished.
pub(crate) fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).at("read folder", folder)? {
        let path = entry.at("read folder", folder)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|e| e == "hdf5" || e == "h5") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
