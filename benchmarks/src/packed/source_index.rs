//! The checksums of files that were not generated here, which somebody may change in place. A file is read again if its size or its time
//! of modification is another than before.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::atomic_file::replace_with;
use crate::error::IoContext;
use crate::{Result, regular_file};

/// The checksums of files that were packed into one file, kept beside it.
pub(super) struct SourceIndex {
    path: PathBuf,
    known: BTreeMap<String, Known>,
    changed: bool,
}

/// What is known of a file.
#[derive(PartialEq, Serialize, Deserialize)]
struct Known {
    bytes: u64,
    /// Nanoseconds since 1970.
    modified: u64,
    /// BLAKE3.
    checksum: String,
}

impl SourceIndex {
    /// The index beside the packed file `out`; empty if there is none that can be read.
    pub fn beside(out: &Path) -> Self {
        let mut name = out.file_name().unwrap_or_default().to_owned();
        name.push(".sources");
        let path = out.with_file_name(name);
        let known =
            regular_file::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { path, known, changed: false }
    }

    /// The checksum of a file.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if it cannot be read.
    pub fn checksum(&mut self, file: &Path) -> Result<String> {
        let metadata = fs::metadata(file).at("read", file)?;
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = modified.and_then(|time| u64::try_from(time.as_nanos()).ok());
        let (name, bytes) = (file.display().to_string(), metadata.len());
        let same = |known: &&Known| known.bytes == bytes && Some(known.modified) == modified;
        if let Some(known) = self.known.get(&name).filter(same) {
            return Ok(known.checksum.clone());
        }
        let mut hasher = blake3::Hasher::new();
        regular_file::open(file).and_then(|open| hasher.update_reader(open).map(drop)).at("read", file)?;
        let checksum = hasher.finalize().to_hex().to_string();
        if let Some(modified) = modified {
            self.known.insert(name, Known { bytes, modified, checksum: checksum.clone() });
            self.changed = true;
        }
        Ok(checksum)
    }

    /// Keeps what is known. A folder that cannot be written costs reading the files again.
    pub fn save(&self) {
        if self.changed {
            let text = serde_json::to_vec_pretty(&self.known).expect("checksums are plain JSON");
            let _ = replace_with(&self.path, &text);
        }
    }
}
