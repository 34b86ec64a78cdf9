//! What a packed file is made from: the files, and a hash of everything that its bytes depend on.

use std::fs;
use std::path::{Path, PathBuf};

use super::header::FORMAT;
use crate::error::IoContext;
use crate::split::Split;
use crate::suite::{Suite, SystemSuite};
use crate::systems::System;
use crate::{Error, Result, generate, well};

/// The files of all splits, in the order in which they are packed.
pub(super) fn source_files(
    suite: &Suite,
    section: &SystemSuite,
    data: &Path,
    generated: bool,
) -> Result<Vec<(Split, PathBuf)>> {
    let mut files = Vec::new();
    for split in section.splits() {
        let folder = well::split_folder(data, &section.name, split);
        if section.generate.is_none() && !folder.exists() {
            let reason = format!(
                "The Well's files are missing; `physrep-bench data fetch {} --out {}` downloads them",
                section.name,
                data.display()
            );
            return Err(Error::folder(&folder, reason));
        }
        files.extend(well::split_files(data, &section.name, split)?.into_iter().map(|path| (split, path)));
    }
    if let (true, Some(generation)) = (generated, &section.generate) {
        let mut planned: Vec<_> =
            generate::plan(section, generation, suite.seed, data).into_iter().map(|f| (f.split, f.path)).collect();
        planned.sort();
        if let Some((_, path)) = planned.iter().find(|f| !files.contains(f)) {
            return Err(Error::folder(path, "this file is missing; generate the data again to complete it"));
        }
        if let Some((_, path)) = files.iter().find(|f| !planned.contains(f)) {
            return Err(Error::folder(path, "this file does not belong to the generated data; remove it"));
        }
    }
    Ok(files)
}

/// Hash of everything that the packed bytes depend on.
pub(super) fn source_hash(
    suite: &Suite,
    system: &dyn System,
    section: &SystemSuite,
    data: &Path,
    key: Option<&str>,
    files: &[(Split, PathBuf)],
) -> Result<String> {
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
    for (split, path) in files {
        add(split.name().as_bytes());
        add(path.file_name().unwrap_or_default().as_encoded_bytes());
        add(&fs::metadata(path).at("read", path)?.len().to_le_bytes());
    }
    let statistics = well::stats_file(data, system.name());
    add(&fs::read(&statistics).at("read", &statistics)?);
    Ok(hasher.finalize().to_hex().to_string())
}
