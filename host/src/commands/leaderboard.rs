//! `physrep-bench leaderboard`: all published runs on one page.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use crate::{error::Result, output::say, submission};

/// Which runs.
#[derive(Debug, Args)]
pub struct Leaderboard {
    /// The folder whose folders are the runs, as `submit` writes them.
    results: PathBuf,
}

impl Leaderboard {
    /// Checks every run, and writes the page.
    pub fn run(self) -> Result<ExitCode> {
        submission::check_all(&self.results)?;
        let (page, runs) = physrep_report::write_leaderboard(&self.results)?;
        say!("{}: {runs} {}", page.display(), if runs == 1 { "run" } else { "runs" });
        Ok(ExitCode::SUCCESS)
    }
}
