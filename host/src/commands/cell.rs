//! `physrep-bench cell`: one cell of a planned run, in this process.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use physrep_runner::{CellEvent, Error as RunnerError, SingleCell, begin_as_child, interrupt};

use crate::{
    arguments::{duration, latest_run},
    display::Display,
    error::{Error, Result},
};

/// The cell to run.
#[derive(Debug, Args)]
pub struct CellCommand {
    /// The cell's key, or the beginning of it, as `plan` prints it.
    key: String,
    /// The folder of the run, which `plan` or `all` wrote [default: the latest in runs/].
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Seconds between checkpoints of pretraining.
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS")]
    checkpoint_every: f64,
    /// Report events in JSON lines, stop at the end of standard input, end with the parent process; used by `all`.
    #[arg(long, hide = true)]
    supervised: bool,
}

impl CellCommand {
    /// Runs the cell, unless it is done.
    pub fn run(self) -> Result<ExitCode> {
        let run = self.run.clone().map_or_else(latest_run, Ok)?;
        if self.supervised { self.run_supervised(&run) } else { self.run_alone(&run) }
    }

    fn run_alone(self, run: &Path) -> Result<ExitCode> {
        interrupt::install_signal_handlers()?;
        let every = duration("--checkpoint-every", self.checkpoint_every)?;
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
        let outcome = duration("--checkpoint-every", self.checkpoint_every).and_then(|every| {
            let cell = SingleCell::find(run, &self.key)?;
            cell.run(run, every, &mut |progress| {
                CellEvent::Progress(progress).send().map_err(RunnerError::io(output))
            })?;
            Ok(())
        });
        let (event, code) = match outcome {
            Err(Error::Runner(RunnerError::Interrupted)) => (CellEvent::Stopped, ExitCode::from(interrupt::EXIT_CODE)),
            Ok(()) => (CellEvent::Done, ExitCode::SUCCESS),
            Err(error) => (CellEvent::Failed { reason: error.to_string() }, ExitCode::FAILURE),
        };
        event.send().map_err(Error::io(output))?;
        Ok(code)
    }
}
