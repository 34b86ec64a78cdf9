//! A run as far as it can be planned without preparing anything: what its tasks are made from.

use std::path::PathBuf;

use physrep_runner::RunPlan;

use crate::arguments::SuiteFolders;

/// A run as far as it can be planned before its data is there.
pub struct OutlinedRun {
    /// Its cells. Their addresses are those that they will have if [`is_final`](Self::is_final).
    pub plan: RunPlan,
    /// Its suite and folders.
    pub folders: SuiteFolders,
    /// Whether the plan is the one that this machine's data, and the machine with the GPU, will give.
    pub is_final: bool,
    /// The words of a command line that plan the run, all paths absolute or relative to the working directory.
    pub words: Vec<String>,
    /// The words that name its suite.
    pub suite_words: Vec<String>,
    /// The folder of packed data, if one is named.
    pub cache: Option<PathBuf>,
}
