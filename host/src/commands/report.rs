//! `physrep-bench report`: a run as one HTML page, and each figure as SVG with its values as CSV.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use physrep_records::RunResults;

use crate::{error::Result, output::say};

/// What to report.
#[derive(Debug, Args)]
pub struct Report {
    /// The folder of a run, or of several merged.
    #[arg(default_value = "runs/tiny")]
    run: PathBuf,
    /// Where the report goes [default: RUN/report].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Report {
    /// Writes the report of a run.
    pub fn run(self) -> Result<ExitCode> {
        let results = RunResults::read(&self.run)?;
        let out = self.out.unwrap_or_else(|| self.run.join("report"));
        let written = physrep_report::write_report(&self.run, &results, &out)?;
        say!("written: {} and {} figures beside it", written.page.display(), written.figures);
        Ok(ExitCode::SUCCESS)
    }
}
