//! `physrep-bench all`: generates missing data, builds stale plugin crates, runs unfinished cells, writes the tables and the report.

use std::{path::Path, process::ExitCode, time::Duration};

use clap::Args;
use physrep_records::{RunResults, files};
use physrep_report::{Form, terminal_summary, write_report};
use physrep_runner::{interrupt, run_cells};

use super::run_arguments::RunArguments;
use crate::{arguments::Patience, display::Display, error::Result, output::say};

/// How long a quick check of a method may take: it needs less than a second.
const CHECK_TIME: Duration = Duration::from_secs(10);

/// What to run, and how.
#[derive(Debug, Args)]
pub struct All {
    #[command(flatten)]
    run: RunArguments,
    #[command(flatten)]
    patience: Patience,
}

impl All {
    /// Runs everything, then writes and prints the tables.
    pub fn run(self) -> Result<ExitCode> {
        interrupt::install_signal_handlers()?;
        let policy = self.patience.policy(self.run.workers, self.run.device.resolve()?.0)?;
        let display = Display::default();
        let planned = self.run.plan(Some(CHECK_TIME.min(policy.stall_timeout)), &display)?;
        run_cells(&planned.plan.cells, &planned.folder, &policy, &|event| display.run_event(&event))?;

        let results = RunResults::read(&planned.folder)?;
        let written = write_tables(&results, &planned.folder)?;
        say!("{}", terminal_summary(&results));
        say!("written: {}", written.join(", "));
        for error in &planned.plan.unusable {
            eprintln!("left out: {error}");
        }
        let missing = results.incomplete() + planned.plan.unusable.len();
        Ok(if missing == 0 { ExitCode::SUCCESS } else { ExitCode::from(3) })
    }
}

/// Writes the tables of a run in all formats, and its report, into the run's folder.
fn write_tables(results: &RunResults, run: &Path) -> Result<Vec<String>> {
    let mut written = Vec::new();
    for (form, file) in Form::ALL.into_iter().filter_map(|form| Some((form, form.file()?))) {
        let path = run.join(file);
        files::write(&path, form.render(results)?.as_bytes())?;
        written.push(path);
    }
    written.push(write_report(run, results, &run.join("report"))?.page);
    Ok(written.iter().map(|path| path.display().to_string()).collect())
}
