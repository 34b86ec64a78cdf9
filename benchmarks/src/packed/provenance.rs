//! What a packed file is made from: the files, and a hash of everything that its bytes depend on.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::header::FORMAT;
use super::source_index::SourceIndex;
use crate::error::IoContext;
use crate::split::Split;
use crate::suite::{Suite, SystemSuite, Trajectory};
use crate::systems::System;
use crate::{Error, Result, generate, regular_file, well};

/// A file to pack.
pub(super) struct Source {
    pub split: Split,
    pub path: PathBuf,
    /// Its trajectories, if it was generated.
    pub planned: Option<Vec<Trajectory>>,
}

/// The files of all splits, in the order in which they are packed.
pub(super) fn source_files(suite: &Suite, section: &SystemSuite, data: &Path, generated: bool) -> Result<Vec<Source>> {
    let mut planned: HashMap<PathBuf, Vec<Trajectory>> = HashMap::new();
    if let (true, Some(generation)) = (generated, &section.generate) {
        let files = generate::plan(section, generation, suite.data_seed(), data);
        if let Some(file) = files.iter().find(|file| !file.path.exists()) {
            return Err(Error::folder(&file.path, "this file is missing; generate the data again to complete it"));
        }
        planned.extend(files.into_iter().map(|file| (file.path, file.trajectories)));
    }
    let mut sources = Vec::new();
    for split in section.splits() {
        let folder = well::split_folder(data, &section.name, split);
        if !folder.exists() {
            let (name, data) = (&section.name, data.display());
            let reason = match section.generate {
                Some(_) => "there is no data; generate the data first".to_owned(),
                None => format!(
                    "The Well's files are missing; `physrep-bench data fetch {name} --out {data}` downloads them"
                ),
            };
            return Err(Error::folder(&folder, reason));
        }
        for path in well::split_files(data, &section.name, split)? {
            let trajectories = planned.remove(&path);
            if generated && trajectories.is_none() {
                return Err(Error::folder(&path, "this file does not belong to the generated data; remove it"));
            }
            sources.push(Source { split, path, planned: trajectories });
        }
    }
    Ok(sources)
}

/// Hash of everything that the packed bytes depend on. The checksums of files that were not generated are kept beside `out`, the packed
/// file to be.
pub(super) fn source_hash(
    suite: &Suite,
    system: &dyn System,
    section: &SystemSuite,
    data: &Path,
    key: Option<&str>,
    files: &[Source],
    out: &Path,
) -> Result<String> {
    let mut index = SourceIndex::beside(out);
    let mut hasher = blake3::Hasher::new();
    let mut add = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    add(&FORMAT.to_le_bytes());
    add(suite.name.as_bytes());
    add(&suite.version.to_le_bytes());
    add(&[u8::from(suite.normalise)]);
    add(&serde_json::to_vec(section).expect("a section is plain JSON"));
    add(key.unwrap_or_default().as_bytes());
    for Source { split, path, .. } in files {
        add(split.name().as_bytes());
        add(path.file_name().unwrap_or_default().as_encoded_bytes());
        match key {
            // Its key says what the bytes are.
            Some(_) => add(&fs::metadata(path).at("read", path)?.len().to_le_bytes()),
            None => add(index.checksum(path)?.as_bytes()),
        }
    }
    index.save();
    let statistics = well::stats_file(data, system.name());
    add(&regular_file::read(&statistics).at("read", &statistics)?);
    Ok(hasher.finalize().to_hex().to_string())
}
