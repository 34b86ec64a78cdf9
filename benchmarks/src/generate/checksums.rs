//! The checksums of generated files, kept beside them: whether their bytes are those that were written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::atomic_file::replace_with;
use crate::error::IoContext;
use crate::{Error, Result, regular_file};

/// The checksums of the files in a system's folder.
#[derive(Serialize, Deserialize)]
pub(crate) struct Checksums {
    /// The key of the settings that the files were generated with.
    pub key: String,
    /// BLAKE3 by the path in the folder.
    files: BTreeMap<String, String>,
    /// BLAKE3 of the above.
    digest: String,
}

impl Checksums {
    /// The checksums of `files`, which are in `folder`.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read.
    pub fn of(folder: &Path, key: &str, files: impl Iterator<Item = PathBuf>) -> Result<Self> {
        let files = files.map(|path| Ok((name(folder, &path), checksum(&path)?))).collect::<Result<_>>()?;
        let mut all = Self { key: key.into(), files, digest: String::new() };
        all.digest = all.digest();
        Ok(all)
    }

    /// The checksums in `folder`; none if there are none, or if they are damaged.
    pub fn read(folder: &Path) -> Option<Self> {
        let found: Self = serde_json::from_slice(&regular_file::read(&Self::file(folder)).ok()?).ok()?;
        (found.digest == found.digest()).then_some(found)
    }

    /// Writes them into `folder`.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).expect("checksums are plain JSON");
        replace_with(&Self::file(folder), &text)
    }

    /// Compares the file at `path` in `folder` with its checksum.
    ///
    /// # Errors
    /// [`Error::Damaged`] if they differ; [`Error::Io`] if the file cannot be read.
    pub fn verify(&self, folder: &Path, path: &Path) -> Result<()> {
        match self.files.get(&name(folder, path)) {
            Some(expected) if checksum(path)? != *expected => {
                let advice = "remove it, and generate the data again".into();
                Err(Error::Damaged { path: path.into(), place: "the file".into(), advice })
            }
            _ => Ok(()),
        }
    }

    fn file(folder: &Path) -> PathBuf {
        folder.join("checksums.json")
    }

    fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for text in std::iter::once(&self.key).chain(self.files.iter().flat_map(|(name, sum)| [name, sum])) {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

fn name(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned()
}

fn checksum(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    regular_file::open(path).and_then(|file| hasher.update_reader(file).map(drop)).at("read", path)?;
    Ok(hasher.finalize().to_hex().to_string())
}
