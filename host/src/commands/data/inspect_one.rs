//! The inspection of one file, in a separate process.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use physrep_runner::inspect_in_this_process;

use crate::error::Result;

/// What to inspect.
#[derive(Debug, Args)]
pub struct InspectOne {
    /// The file.
    path: PathBuf,
    /// Read the values, too.
    #[arg(long)]
    values: bool,
}

impl InspectOne {
    /// Inspects the file and writes the report to standard output.
    pub fn run(self) -> Result<ExitCode> {
        inspect_in_this_process(&self.path, self.values)?;
        Ok(ExitCode::SUCCESS)
    }
}
