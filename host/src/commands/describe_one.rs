//! `physrep-bench describe-one`: opens one library; started by commands that look for methods.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use physrep_runner::describe_in_this_process;

use crate::error::Result;

/// The library to open.
#[derive(Debug, Args)]
pub struct DescribeOne {
    /// Its file.
    library: PathBuf,
}

impl DescribeOne {
    /// Opens it in this process and sends its description.
    pub fn run(self) -> Result<ExitCode> {
        describe_in_this_process(&self.library)?;
        Ok(ExitCode::SUCCESS)
    }
}
