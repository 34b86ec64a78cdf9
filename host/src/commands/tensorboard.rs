//! `physrep-bench tensorboard`: the training curves of a run as TensorBoard event files.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use crate::{error::Result, output::say};

/// What to write.
#[derive(Debug, Args)]
pub struct Tensorboard {
    /// The folder of a run.
    #[arg(default_value = "runs/tiny")]
    run: PathBuf,
    /// Where the event files go, one folder per pretraining [default: RUN/tensorboard].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Tensorboard {
    /// Writes an event file for each pretraining of the run that has training curves.
    pub fn run(self) -> Result<ExitCode> {
        let out = self.out.unwrap_or_else(|| self.run.join("tensorboard"));
        let count = physrep_report::write_tensorboard(&self.run, &out)?;
        say!("written: {count} event files; `tensorboard --logdir {}` shows them", out.display());
        Ok(ExitCode::SUCCESS)
    }
}
