//! `physrep-bench table`: the tables of a run, in several formats.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};
use physrep_records::{RunResults, files};

use crate::error::Result;

/// What to print.
#[derive(Debug, Args)]
pub struct Table {
    /// The folder of a run, or of several merged.
    #[arg(default_value = "runs/tiny")]
    run: PathBuf,
    /// The format; csv has all scores, one per row.
    #[arg(long, value_enum, default_value = "terminal")]
    format: Format,
    /// The file to write instead of printing.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// The format of tables.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Terminal,
    Markdown,
    Latex,
    Csv,
}

impl Table {
    /// Prints or writes all tables.
    pub fn run(self) -> Result<ExitCode> {
        let results = RunResults::read(&self.run)?;
        let text = match self.format {
            Format::Terminal => physrep_report::terminal(&results),
            Format::Markdown => physrep_report::markdown(&results),
            Format::Latex => physrep_report::latex(&results),
            Format::Csv => physrep_report::scores_csv(&results)?,
        };
        match &self.out {
            Some(path) => files::write(path, text.as_bytes())?,
            None => print!("{text}"),
        }
        Ok(ExitCode::SUCCESS)
    }
}
