//! What to fetch.

use std::path::PathBuf;

use physrep_benchmarks::Split;

use super::retry::RetryPolicy;

/// What to fetch.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// The system, which is also the data set's name.
    pub system: String,
    /// The folder in which `SYSTEM/` is created.
    pub out: PathBuf,
    /// The splits; empty for all.
    pub splits: Vec<Split>,
    /// Globs or parts of the names of data files; empty for all.
    pub files: Vec<String>,
    /// Only list the files that would be fetched.
    pub dry_run: bool,
    /// How often to retry.
    pub retry: RetryPolicy,
}
