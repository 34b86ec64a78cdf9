//! A summary of a file, or of all files of a data set.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use physrep_benchmarks::{
    Split,
    inspect::{Contents, DataPath, DataSet, FileKind, Finding, Report, Severity},
};
use serde::Serialize;

use super::text::path_line;

/// A summary of a file, or of all files of a data set.
pub(super) struct Summary {
    pub path: PathBuf,
    /// Size of all files.
    pub bytes: u64,
    /// The splits that have files or, in a packed file, trajectories.
    pub splits: Vec<SplitSummary>,
    /// The merged contents, with statistics of the training split only; none if no file can be read.
    pub contents: Option<Contents>,
    pub errors: Vec<(PathBuf, Finding)>,
    pub warnings: usize,
    /// Files that cannot be read.
    pub unread: usize,
}

/// One split.
#[derive(Serialize)]
pub(super) struct SplitSummary {
    pub name: String,
    /// The number of files; 0 in a packed file.
    pub files: usize,
    pub trajectories: usize,
    /// Size of the files.
    pub bytes: u64,
}

impl Summary {
    /// The target's name and its files.
    pub fn files(target: &DataPath) -> (String, Vec<PathBuf>) {
        match target {
            DataPath::File(path) => (path_line(path.file_name().unwrap_or_default().as_ref()), vec![path.clone()]),
            DataPath::DataSet(set) => {
                let files = set.files.iter().map(|(_, path)| path).chain(&set.packed);
                (set.name(), files.cloned().collect())
            }
        }
    }

    /// One summary of a file; or one of the files of a data set, and one of each of its packed files.
    pub fn of(target: &DataPath, reports: &HashMap<PathBuf, Report>) -> Vec<Self> {
        match target {
            DataPath::File(path) => vec![Self::file(path, &reports[path])],
            DataPath::DataSet(set) => {
                let packed = set.packed.iter().map(|path| Self::file(path, &reports[path]));
                std::iter::once(Self::data_set(set, reports)).chain(packed).collect()
            }
        }
    }

    /// What the statistics are computed over.
    pub fn statistics_of(&self) -> &'static str {
        match &self.contents {
            Some(Contents { kind: FileKind::Packed { .. }, .. }) => "the normalised values of all trajectories",
            Some(_) if self.splits.is_empty() => "all trajectories",
            _ => "the training split",
        }
    }

    fn file(path: &Path, report: &Report) -> Self {
        let splits = match report.contents.as_ref().map(|contents| &contents.kind) {
            Some(FileKind::Packed { splits, .. }) => splits.clone(),
            _ => Vec::new(),
        };
        let split = |(name, trajectories)| SplitSummary { name, files: 0, trajectories, bytes: 0 };
        let mut summary = Self {
            path: path.to_owned(),
            bytes: report.bytes,
            splits: splits.into_iter().map(split).collect(),
            contents: report.contents.clone(),
            errors: Vec::new(),
            warnings: 0,
            unread: 0,
        };
        summary.take(path, report);
        summary
    }

    fn data_set(set: &DataSet, reports: &HashMap<PathBuf, Report>) -> Self {
        let path = set.folder.clone();
        let (errors, splits) = (Vec::new(), Vec::new());
        let mut summary = Self { path, bytes: 0, splits, contents: None, errors, warnings: 0, unread: 0 };
        for split in Split::ALL {
            let of_split = || set.files.iter().filter(|(s, _)| *s == split).map(|(_, path)| (path, &reports[path]));
            let trajectories = of_split().filter_map(|(_, report)| Some(report.contents.as_ref()?.trajectories)).sum();
            let bytes = of_split().map(|(_, report)| report.bytes).sum();
            let name = split.name().to_owned();
            summary.splits.push(SplitSummary { name, files: of_split().count(), trajectories, bytes });
            summary.bytes += bytes;
            for (path, report) in of_split() {
                summary.take(path, report);
                if let Some(one) = &report.contents {
                    summary.add(one, split);
                }
            }
        }
        summary.splits.retain(|split| split.files > 0);
        summary
    }

    fn add(&mut self, one: &Contents, split: Split) {
        let channels = if split == Split::Train { one.channels.clone() } else { Vec::new() };
        let one = Contents { channels, hashes: Vec::new(), ..one.clone() };
        self.contents = Some(match self.contents.take() {
            Some(all) => all.with(&one),
            None => one,
        });
    }

    fn take(&mut self, path: &Path, report: &Report) {
        let errors = report.findings.listed.iter().filter(|finding| finding.severity == Severity::Error);
        self.errors.extend(errors.map(|finding| (path.to_owned(), finding.clone())));
        self.warnings += report.findings.warnings;
        self.unread += usize::from(report.contents.is_none());
    }
}
