//! `physrep-bench schema`: the JSON Schema of a cell's record.

use std::process::ExitCode;

use clap::Args;

use crate::{error::Result, output::say};

/// No arguments.
#[derive(Debug, Args)]
pub struct Schema {}

impl Schema {
    /// Prints the schema.
    pub fn run(self) -> Result<ExitCode> {
        say!("{:#}", physrep_records::json_schema());
        Ok(ExitCode::SUCCESS)
    }
}
