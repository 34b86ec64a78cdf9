//! `physrep-bench compare`: what changed between two runs, and whether it is significant.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use physrep_records::RunResults;

use crate::{error::Result, output};

/// What to compare.
#[derive(Debug, Args)]
pub struct Compare {
    /// The folder of a run.
    a: PathBuf,
    /// The folder of another run.
    b: PathBuf,
}

impl Compare {
    /// Prints, for each row and probe that both runs have, both errors, their difference with its intervals, and a verdict; then
    /// what else differs.
    pub fn run(self) -> Result<ExitCode> {
        let (a, b) = (RunResults::read(&self.a)?, RunResults::read(&self.b)?);
        output::write(&physrep_report::compare(&a, &b)?);
        Ok(ExitCode::SUCCESS)
    }
}
