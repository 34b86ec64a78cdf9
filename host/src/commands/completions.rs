//! `physrep-bench completions`: what a shell needs to complete command lines.

use std::process::ExitCode;

use clap::Args;
use clap_complete::{Shell, generate};

use crate::{error::Result, output};

/// For which shell.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Prints the script for `command`, the whole command line.
    pub fn run(self, mut command: clap::Command) -> Result<ExitCode> {
        let mut script = Vec::new();
        generate(self.shell, &mut command, "physrep-bench", &mut script);
        output::write_styled(String::from_utf8_lossy(&script));
        Ok(ExitCode::SUCCESS)
    }
}
