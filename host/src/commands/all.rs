//! `physrep-bench all`: generates missing data, builds stale plugin crates, runs unfinished cells, writes the tables and the report.

use std::{process::ExitCode, thread, time::Duration};

use clap::{Args, ValueEnum};
use physrep_runner::{interrupt, run_cells};

use super::{finish::show_results, launch::launch, run_arguments::RunArguments};
use crate::{
    arguments::{AttemptsArgument, Patience},
    display::Display,
    error::Result,
    launcher::slurm::SlurmArguments,
    live_results::{self, LiveResults},
    output::note,
};

/// How long a quick check of a method may take: it needs about a second.
const CHECK_TIME: Duration = Duration::from_secs(10);

/// What to run, and how.
#[derive(Debug, Args)]
pub struct All {
    #[command(flatten)]
    run: RunArguments,
    #[command(flatten)]
    patience: Patience,
    /// Submit the run as jobs, instead of running it here: data, joint pretraining, cells, tables. Again, it submits what is missing.
    #[arg(long, value_enum)]
    launcher: Option<Launcher>,
    #[command(flatten)]
    attempts: AttemptsArgument,
    #[command(flatten)]
    slurm: SlurmArguments,
}

/// Who starts the processes of a run.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Launcher {
    /// Slurm, by sbatch.
    Slurm,
}

impl All {
    /// Runs everything, then writes and prints the tables.
    pub fn run(self) -> Result<ExitCode> {
        interrupt::install_signal_handlers()?;
        if let Some(Launcher::Slurm) = self.launcher {
            let options = [self.attempts.words(), self.run.workers.words_of_a_cell(), self.patience.words()].concat();
            return launch(&self.run, &options, &self.slurm);
        }
        let policy = {
            let (device, _, gpus) = self.run.device.resolve_for_cells()?;
            self.patience.policy(self.run.workers, device, gpus)?
        };
        let display = Display::default();
        let planned = self.run.plan(Some(CHECK_TIME.min(policy.stall_timeout)), &display)?;
        let folder = &planned.folder;
        let ran = thread::scope(|scope| {
            let live = LiveResults::start(scope, folder, &display);
            run_cells(&planned.plan.cells, folder, &policy, &|event| {
                display.run_event(&event);
                live.run_event(&event);
            })
        });
        display.clear_scores();
        if let Err(error) = ran {
            live_results::end(folder);
            return Err(error.into());
        }

        let results = show_results(folder)?;
        for error in &planned.plan.left_out {
            note!("left out: {error}");
        }
        let missing = results.incomplete() + planned.plan.left_out.len();
        Ok(if missing == 0 { ExitCode::SUCCESS } else { ExitCode::from(3) })
    }
}
