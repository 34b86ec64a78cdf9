//! `physrep-bench score`: probes embeddings that were made elsewhere.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use physrep_records::Lock;
use physrep_runner::{DeviceSelection, ScoreTask, ScoringSettings, describe, interrupt, run_cells};

use super::finish::show_results;
use crate::{
    arguments::{Folders, Patience, SuiteFolders, Workers},
    display::Display,
    error::Result,
};

/// What to score, and how.
#[derive(Debug, Args)]
pub struct Score {
    /// Files of embeddings, .npz or .safetensors, each called as its system, such as shear_flow.npz, or given as shear_flow=FILE. They
    /// have `identifiers`, (N,), and `tokens`, (N, tokens, dim), of the windows that `export-windows` wrote.
    #[arg(required = true, value_name = "[SYSTEM=]FILE")]
    files: Vec<PathBuf>,
    /// The name of the row.
    #[arg(long)]
    name: String,
    /// What the embeddings are of, for a footnote: the model, and what it was trained on.
    #[arg(long, value_name = "TEXT")]
    about: Option<String>,
    /// The seed of the cells: another one for embeddings of another training of the same model [default: the suite's first].
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    folders: Folders,
    /// Where trained probes are fitted; auto is the first NVIDIA GPU if there is one, else the CPU.
    #[arg(long, default_value = "auto", value_name = "auto|cpu|cuda:N")]
    device: DeviceSelection,
    #[command(flatten)]
    workers: Workers,
    #[command(flatten)]
    patience: Patience,
}

impl Score {
    /// Checks the files, probes the embeddings, then writes and prints the tables. The exit code is 3 if a cell has no result.
    pub fn run(self) -> Result<ExitCode> {
        interrupt::install_signal_handlers()?;
        let display = Display::default();
        let (device, note, gpus) = self.device.resolve_for_cells()?;
        let policy = self.patience.policy(self.workers, device, gpus)?;
        let SuiteFolders { suite, data, run } = self.folders.load()?;
        let in_use = "a run is using this folder; wait for it, or choose another folder with --out";
        let _lock = Lock::take(&run, in_use)?;
        display.line(&note.unwrap_or_else(|| format!("device: {}", describe(device))));
        let seed = self.seed.or(suite.seeds.first().copied()).unwrap_or_default();
        let task = ScoreTask { name: self.name, about: self.about, seed, files: self.files };
        let settings = ScoringSettings { data, device, threads: policy.jobs * policy.threads };
        let cells = task.import(&suite, &settings, &run, &|progress| {
            display.data_progress(&format!("{} data", progress.task), &progress);
        })?;
        run_cells(&cells, &run, &policy, &|event| display.run_event(&event))?;
        show_results(&run)?;
        let done = |cell: &physrep_records::Cell| cell.folder(&run).found_record().is_some();
        Ok(if cells.iter().all(done) { ExitCode::SUCCESS } else { ExitCode::from(3) })
    }
}
