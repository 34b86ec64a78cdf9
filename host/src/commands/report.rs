//! `physrep-bench report`: a run as one HTML page, and each figure as SVG with its values as CSV.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use physrep_records::RunResults;
use physrep_report::{PageState, write_report};

use crate::{arguments::RunFolder, error::Result, output::say};

/// What to report.
#[derive(Debug, Args)]
pub struct Report {
    #[command(flatten)]
    run: RunFolder,
    /// Where the report goes [default: RUN/report].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Report {
    /// Writes the report of a run.
    pub fn run(self) -> Result<ExitCode> {
        let run = self.run.path()?;
        let results = RunResults::read(&run)?;
        let out = self.out.unwrap_or_else(|| run.join("report"));
        let written = write_report(&run, &results, &out, PageState::Ended)?;
        say!("written: {} and {} figures beside it", written.page.display(), written.figures);
        Ok(ExitCode::SUCCESS)
    }
}
