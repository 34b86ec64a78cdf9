//! The inspection of several files, for `info` and `verify`.

use std::{collections::HashMap, path::PathBuf};

use clap::Args;
use physrep_benchmarks::inspect::Report;
use physrep_runner::{InspectionLimits, cores, inspect_files};

use crate::{
    arguments::{duration, worker_count},
    display::Display,
    error::Result,
};

/// Limits on the inspection.
#[derive(Clone, Copy, Debug, Args)]
pub struct Limits {
    /// Files that are read concurrently [default: all cores].
    #[arg(long, value_parser = worker_count)]
    jobs: Option<usize>,
    /// Seconds without progress after which the process of a file is killed.
    #[arg(long, default_value_t = 60.0, value_name = "SECONDS")]
    stall_timeout: f64,
}

impl Limits {
    /// Inspects files, including their values if `values` is true, and shows the progress as that of `task`.
    pub fn inspect(
        &self,
        paths: &[PathBuf],
        values: bool,
        display: &Display,
        task: &str,
    ) -> Result<HashMap<PathBuf, Report>> {
        let limits = InspectionLimits {
            jobs: self.jobs.unwrap_or_else(cores),
            stall_timeout: duration("--stall-timeout", self.stall_timeout)?,
        };
        let listener = |progress: physrep_runner::DataProgress<'_>| display.data_progress(progress.task, &progress);
        Ok(inspect_files(paths, values, limits, task, &listener)?)
    }
}
