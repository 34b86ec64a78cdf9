//! `physrep-bench method-one`: the process of a method; started by cells.

use std::process::ExitCode;

use clap::Args;
use physrep_runner::serve_method_in_this_process;

use crate::error::Result;

/// What to serve comes on standard input.
#[derive(Debug, Args)]
pub struct MethodOne {}

impl MethodOne {
    /// Opens a library in this process and answers requests.
    pub fn run(self) -> Result<ExitCode> {
        serve_method_in_this_process()?;
        Ok(ExitCode::SUCCESS)
    }
}
