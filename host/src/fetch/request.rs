//! What to fetch.

use std::path::PathBuf;

use physrep_benchmarks::Split;

use super::retry::RetryPolicy;

/// What to fetch.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// The system, which is also the data set's name.
    pub system: String,
    /// The folder that gets `SYSTEM/`.
    pub out: PathBuf,
    /// The splits; all if there is none.
    pub splits: Vec<Split>,
    /// Globs or parts of the names of data files; all if there is none.
    pub files: Vec<String>,
    /// Only say what would be fetched.
    pub dry_run: bool,
    /// How often to try again.
    pub retry: RetryPolicy,
}
