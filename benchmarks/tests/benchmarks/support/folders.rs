//! The files in a folder.

use std::fs;
use std::path::{Path, PathBuf};

/// All files under a folder, by relative path, with their bytes.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.strip_prefix(folder).unwrap().into(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}
