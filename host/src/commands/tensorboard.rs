//! `physrep-bench tensorboard`: the training curves of a run as TensorBoard event files.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use crate::{arguments::RunFolder, error::Result, output::say};

/// What to write.
#[derive(Debug, Args)]
pub struct Tensorboard {
    #[command(flatten)]
    run: RunFolder,
    /// Where the event files go, one folder per pretraining [default: RUN/tensorboard].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Tensorboard {
    /// Writes an event file for each pretraining of the run that has training curves.
    pub fn run(self) -> Result<ExitCode> {
        let run = self.run.path()?;
        let out = self.out.unwrap_or_else(|| run.join("tensorboard"));
        let count = physrep_report::write_tensorboard(&run, &out)?;
        say!("written: {count} event files; `tensorboard --logdir {}` shows them", out.display());
        Ok(ExitCode::SUCCESS)
    }
}
