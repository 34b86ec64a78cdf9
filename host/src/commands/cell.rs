//! `physrep-bench cell`: one cell of a planned run, in this process.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use physrep_runner::{
    CellEvent, Error as RunnerError, SingleCell, WatchedEnd, WatchedEvent, begin_as_child, cores, interrupt,
};

use crate::{
    arguments::{Patience, latest_run, worker_count},
    display::Display,
    error::{Error, Result},
    launcher::slurm::requeue_this_task,
    output::note,
};

/// The cell to run.
#[derive(Debug, Args)]
pub struct CellCommand {
    /// The cell's key, or the beginning of it, or its label SYSTEM/METHOD/seedN, as `plan` prints them.
    key: String,
    /// The folder of the run, which `plan` or `all` wrote [default: the latest in runs/].
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    #[command(flatten)]
    patience: Patience,
    /// Run the cell in a process of its own, watch it, and try again if it dies, until this many attempts in a row came to nothing.
    #[arg(long, value_name = "N", value_parser = worker_count)]
    attempts: Option<usize>,
    /// With --attempts: threads [default: all cores].
    #[arg(long, value_parser = worker_count, requires = "attempts")]
    threads: Option<usize>,
    /// With --attempts, in a task of Slurm: when this is stopped, have Slurm run the task again, unless it was cancelled.
    #[arg(long, requires = "attempts")]
    requeue: bool,
    /// Report events in JSON lines, stop at the end of standard input, end with the parent process; used by `all`.
    #[arg(long, hide = true)]
    supervised: bool,
}

impl CellCommand {
    /// Runs the cell, unless it is done.
    pub fn run(self) -> Result<ExitCode> {
        let run = self.run.clone().map_or_else(latest_run, Ok)?;
        match self.attempts {
            _ if self.supervised => self.run_supervised(&run),
            Some(attempts) => self.run_watched(&run, attempts),
            None => self.run_alone(&run),
        }
    }

    /// Runs the cell in a process of its own, as a task of a job scheduler.
    fn run_watched(self, run: &Path, attempts: usize) -> Result<ExitCode> {
        // A scheduler may signal more than once.
        interrupt::stop_at_signals()?;
        let policy = self.patience.policy_of_a_cell(self.threads.unwrap_or_else(cores))?;
        let cell = SingleCell::find(run, &self.key)?;
        let (display, title) = (Display::default(), cell.cell().title());
        let ended = cell.run_watched(run, &policy, attempts, &|event| match event {
            WatchedEvent::WaitsFor(holder) => {
                display.progress(&title, "waiting", 0, 1, &format!("for {holder}, which runs this cell"));
            }
            WatchedEvent::Progress(progress) => display.phase_progress(&title, &progress),
            WatchedEvent::Again(reason) => display.line(&format!("{title}: {reason}; again")),
        });
        match ended {
            Ok(WatchedEnd::Done) => {
                display.finish(&title, "done");
                Ok(ExitCode::SUCCESS)
            }
            Ok(WatchedEnd::Failed(reason)) => {
                display.finish(&title, &format!("failed: {reason}"));
                Ok(ExitCode::FAILURE)
            }
            // A scheduler may signal the process of the cell alone.
            Err(RunnerError::Interrupted) => {
                if self.requeue {
                    requeue_this_task();
                }
                note!("{}", RunnerError::Interrupted);
                Ok(ExitCode::from(interrupt::EXIT_CODE))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn run_alone(self, run: &Path) -> Result<ExitCode> {
        interrupt::install_signal_handlers()?;
        let every = self.patience.checkpoint_every()?;
        let cell = SingleCell::find(run, &self.key)?;
        let (display, title) = (Display::default(), cell.cell().title());
        let outcome = cell.run(run, every, &mut |progress| {
            display.phase_progress(&title, &progress);
            Ok(())
        });
        match outcome {
            Ok(()) => {
                display.finish(&title, "done");
                Ok(ExitCode::SUCCESS)
            }
            Err(RunnerError::Interrupted) => Err(RunnerError::Interrupted.into()),
            Err(error) => {
                cell.fail(&error.to_string())?;
                Err(error.into())
            }
        }
    }

    /// Reports to the supervisor, which writes the failure of a cell whether it is reported or the process dies.
    fn run_supervised(self, run: &Path) -> Result<ExitCode> {
        begin_as_child()?;
        interrupt::stop_at_end_of_input();
        interrupt::stop_at_signals()?;
        let output = "standard output";
        let outcome = self.patience.checkpoint_every().and_then(|every| {
            let cell = SingleCell::find(run, &self.key)?;
            cell.run(run, every, &mut |progress| {
                CellEvent::Progress(progress).send().map_err(RunnerError::io(output))
            })?;
            Ok(())
        });
        let (event, code) = match outcome {
            Err(Error::Runner(RunnerError::Interrupted)) => (CellEvent::Stopped, ExitCode::from(interrupt::EXIT_CODE)),
            Ok(()) => (CellEvent::Done, ExitCode::SUCCESS),
            Err(error) => {
                let died = matches!(error, Error::Runner(RunnerError::MethodDied { .. }));
                (CellEvent::Failed { reason: error.to_string(), died }, ExitCode::FAILURE)
            }
        };
        event.send().map_err(Error::io(output))?;
        Ok(code)
    }
}
