//! `physrep-bench status`: the progress of a run.

use std::process::ExitCode;

use clap::Args;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use physrep_records::{RunResults, is_locked};
use physrep_report::scores_so_far;
use physrep_runner::{CellState, CellStatus, RunState, RunStatus};

use crate::{
    arguments::RunFolder,
    display::seconds,
    error::Result,
    output::{self, say},
};

/// The run to show.
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    run: RunFolder,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Status {
    /// Prints the progress of the run, and the scores that there are.
    pub fn run(self) -> Result<ExitCode> {
        let run = self.run.path()?;
        let status = RunStatus::read(&run)?;
        match self.json {
            true => say!("{}", serde_json::to_string_pretty(&status).unwrap_or_default()),
            false => {
                let scores = scores_so_far(&RunResults::read(&run)?);
                output::write(&format!("{}\n{scores}\n", text(&status, is_locked(&run)?)));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The progress as text; `alive` says whether a process is running the run.
fn text(status: &RunStatus, alive: bool) -> String {
    let count = |state| status.cells.iter().filter(|cell| cell.state == state).count();
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["cell", "state", "phase", "done", "left", ""]);
    for cell in &status.cells {
        table.add_row(row(cell, alive));
    }
    let state = match (status.state, alive) {
        (RunState::Running, true) => format!("running in process {} since {}", status.process, status.started),
        (_, true) => "starting".into(),
        (RunState::Finished, false) => format!("finished at {}", status.written),
        (RunState::Interrupted, false) => {
            format!("interrupted at {}; run the same command again to resume", status.written)
        }
        (RunState::Running, false) => {
            format!("not running: killed after {}; run the same command again to resume", status.written)
        }
    };
    format!(
        "{table}\n{} of {} cells done, {} failed; {state}\n",
        count(CellState::Done),
        status.cells.len(),
        count(CellState::Failed)
    )
}

fn row(cell: &CellStatus, alive: bool) -> Vec<Cell> {
    let state = match (cell.state, alive) {
        (CellState::Waiting, _) => "waiting",
        (CellState::Running, true) => "running",
        (CellState::Running, false) => "killed",
        (CellState::Done, _) => "done",
        (CellState::Failed, _) => "failed",
    };
    let phase = cell.progress.map(|progress| progress.phase.name()).unwrap_or_default();
    let done = cell.progress.filter(|progress| progress.total > 0);
    let done = done.map(|progress| format!("{}/{}", progress.done, progress.total)).unwrap_or_default();
    let left = cell.remaining.filter(|_| alive).map(seconds).unwrap_or_default();
    let note = match &cell.reason {
        Some(reason) => reason.clone(),
        None => cell.progress.map(|progress| progress.figures()).unwrap_or_default(),
    };
    let right = |text| Cell::new(text).set_alignment(CellAlignment::Right);
    vec![Cell::new(&cell.title), Cell::new(state), Cell::new(phase), right(done), right(left), Cell::new(note)]
}
