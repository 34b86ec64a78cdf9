//! Selects the files of a data set to fetch.

use glob::Pattern;
use physrep_benchmarks::Split;

use super::{
    hub::{Dataset, RemoteFile},
    request::FetchRequest,
};
use crate::error::{Error, Result};

/// The selected files, small ones first: `stats.yaml`, `SYSTEM.yaml`, then the splits' data files by name.
///
/// All other entries of the hub's list are ignored, so that no name in it can lead out of the folder.
pub(super) fn select(fetch: &FetchRequest, dataset: &Dataset) -> Result<Vec<RemoteFile>> {
    let fail = |reason: String| Error::Download { what: dataset.name.clone(), reason };
    let filters = fetch.files.iter().map(|text| Filter::new(text)).collect::<Result<Vec<_>>>()?;
    let splits: &[Split] = if fetch.splits.is_empty() { &Split::PUBLISHED } else { &fetch.splits };
    let mut data = Vec::new();
    let mut listed = 0;
    for split in Split::PUBLISHED.iter().filter(|split| splits.contains(split)) {
        let mut split_files = Vec::new();
        for file in &dataset.files {
            let Some(name) = file.path.strip_prefix(&format!("data/{split}/")) else { continue };
            if !name.ends_with(".hdf5") && !name.ends_with(".h5") {
                continue;
            }
            if name.starts_with('.') || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b)) {
                return Err(fail(format!("the hub lists {:?}, which is no name for a data file", file.path)));
            }
            listed += 1;
            if filters.is_empty() || filters.iter().any(|filter| filter.accepts(name)) {
                split_files.push(file.clone());
            }
        }
        split_files.sort_by(|a, b| a.path.cmp(&b.path));
        data.append(&mut split_files);
    }
    if listed == 0 {
        let splits: Vec<_> = splits.iter().map(|split| split.name()).collect();
        return Err(fail(format!("the hub lists no data/{{{}}}/*.hdf5", splits.join(","))));
    }
    if data.is_empty() {
        let files = fetch.files.join(",");
        return Err(Error::Usage(format!("--files {files} fits none of the {listed} files; see them with --dry-run")));
    }
    let metadata = ["stats.yaml".to_owned(), format!("{}.yaml", fetch.system)];
    let mut files: Vec<_> = dataset.files.iter().filter(|file| metadata.contains(&file.path)).cloned().collect();
    files.append(&mut data);
    Ok(files)
}

/// A glob if it has a wildcard, else a part of the name.
enum Filter {
    Glob(Pattern),
    Part(String),
}

impl Filter {
    fn new(text: &str) -> Result<Self> {
        if !text.contains(['*', '?', '[']) {
            return Ok(Self::Part(text.into()));
        }
        Pattern::new(text).map(Self::Glob).map_err(|e| Error::Usage(format!("--files {text}: invalid glob: {e}")))
    }

    fn accepts(&self, name: &str) -> bool {
        match self {
            Self::Glob(pattern) => pattern.matches(name),
            Self::Part(part) => name.contains(part),
        }
    }
}
