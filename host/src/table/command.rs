//! `physrep-bench table`: the tables of a run, in any form.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{latex, markdown, terminal_all, tidy};
use crate::{Result, files, standings::Standings};

/// What to print.
#[derive(Clone, Debug, Args)]
pub struct Command {
    /// The folder of a run, or of several merged.
    #[arg(default_value = "runs/tiny")]
    run: PathBuf,
    /// The form; csv has all scores, one tidy row each.
    #[arg(long, value_enum, default_value = "terminal")]
    format: Format,
    /// The file to write instead of printing.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// The form of tables.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Terminal,
    Markdown,
    Latex,
    Csv,
}

/// Prints or writes all tables.
pub fn run(command: &Command) -> Result<()> {
    let standings = Standings::read(&command.run)?;
    let text = match command.format {
        Format::Terminal => terminal_all(&standings),
        Format::Markdown => markdown(&standings),
        Format::Latex => latex(&standings),
        Format::Csv => tidy(&standings)?,
    };
    match &command.out {
        Some(path) => files::write(path, text.as_bytes()),
        None => {
            print!("{text}");
            Ok(())
        }
    }
}
