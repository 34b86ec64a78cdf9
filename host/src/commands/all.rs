//! `physrep-bench all`: generates missing data, builds stale plugin crates, runs unfinished cells, writes the tables and the report.

use std::{process::ExitCode, time::Duration};

use clap::Args;
use physrep_runner::{interrupt, run_cells};

use super::{finish::show_results, run_arguments::RunArguments};
use crate::{arguments::Patience, display::Display, error::Result, output::note};

/// How long a quick check of a method may take: it needs about a second.
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

        let results = show_results(&planned.folder)?;
        for error in &planned.plan.left_out {
            note!("left out: {error}");
        }
        let missing = results.incomplete() + planned.plan.left_out.len();
        Ok(if missing == 0 { ExitCode::SUCCESS } else { ExitCode::from(3) })
    }
}
