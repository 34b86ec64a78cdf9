//! `physrep-bench status`: the progress of a run.

use std::{collections::HashMap, path::Path, process::ExitCode};

use clap::Args;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use physrep_records::{RunManifest, RunResults, is_locked};
use physrep_report::scores_so_far;
use physrep_runner::{CellState, CellStatus, RunState, RunStatus};

use crate::{
    arguments::RunFolder,
    display::seconds,
    error::Result,
    launcher::slurm::{self, Queue},
    output::{self, say},
};

/// The most finished cells whose scores are shown: more of them take longer than one waits for progress.
const SCORED: usize = 500;

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
        let file = run.join("status.json");
        let is_launched = slurm::is_launched(&run, &file);
        let alive = is_locked(&run)? && file.is_file();
        let mut queue = Vec::new();
        if is_launched && !run.join("run.json").is_file() {
            return queue_alone(&run);
        }
        let status = match !alive && (is_launched || !file.is_file()) && run.join("run.json").is_file() {
            true => {
                let mut status = RunStatus::of_files(&run)?;
                queue = if is_launched { add_queue(&mut status, &run) } else { queue };
                status
            }
            false => RunStatus::read(&run)?,
        };
        match self.json {
            true => say!("{}", serde_json::to_string_pretty(&status).unwrap_or_default()),
            false => {
                let finished = status.cells.iter().filter(|cell| cell.state == CellState::Done).count();
                let scores = match finished <= SCORED {
                    true => scores_so_far(&RunResults::read(&run)?),
                    false => format!("the scores of {finished} cells: physrep-bench table {}", run.display()),
                };
                output::write(&format!("{}{}\n{scores}\n", text(&status, alive), queue.concat()));
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
        (RunState::Tasks, _) => format!("{} running", count(CellState::Running)),
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

/// Shows the tasks of a run that is not planned yet, because it has no data.
fn queue_alone(run: &Path) -> Result<ExitCode> {
    let mut none = RunStatus::tasks(Vec::new());
    output::write(&format!("{}the run is not planned yet: that is a task, too\n", add_queue(&mut none, run).concat()));
    Ok(ExitCode::SUCCESS)
}

/// Adds to cells that wait what Slurm says of their tasks; gives lines about tasks that are no cells.
fn add_queue(status: &mut RunStatus, run: &Path) -> Vec<String> {
    let queue = match Queue::now() {
        Ok(queue) => queue,
        Err(error) => return vec![format!("the queue is not known here: {error}\n")],
    };
    let manifest = RunManifest::read_or_new(run).unwrap_or(RunManifest { cells: Vec::new() });
    let cells: HashMap<String, usize> =
        manifest.cells.iter().enumerate().map(|(place, cell)| (cell.identity.label(), place)).collect();
    let (mut lines, mut in_queue) = (Vec::new(), 0);
    let path = std::path::absolute(run).unwrap_or_else(|_| run.to_owned());
    for ((stage, name), (job, task)) in slurm::queued(&path, &queue) {
        match cells.get(&name).and_then(|&place| status.cells.get_mut(place)) {
            Some(cell) if stage.has_cells() && matches!(cell.state, CellState::Waiting | CellState::Failed) => {
                in_queue += 1;
                cell.state = CellState::Waiting;
                cell.reason = Some(format!("job {job}: {}, {}", task.state.to_lowercase(), task.reason));
            }
            Some(_) if stage.has_cells() => {}
            _ => lines.push(format!(
                "{} ({name}), job {job}: {}, {}\n",
                stage.name(),
                task.state.to_lowercase(),
                task.reason
            )),
        }
    }
    lines.sort();
    lines.insert(0, format!("{in_queue} cells in the queue of Slurm\n"));
    lines
}

fn row(cell: &CellStatus, alive: bool) -> Vec<Cell> {
    let alive = alive || cell.state == CellState::Running && cell.reason.is_some();
    let state = match (cell.state, alive) {
        (CellState::Waiting, _) if cell.reason.is_some() => "in the queue",
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
    let figures = cell.progress.map(|progress| progress.figures()).unwrap_or_default();
    let note = match &cell.reason {
        Some(reason) if figures.is_empty() => reason.clone(),
        Some(reason) => format!("{reason}, {figures}"),
        None => figures,
    };
    let right = |text| Cell::new(text).set_alignment(CellAlignment::Right);
    vec![Cell::new(&cell.title), Cell::new(state), Cell::new(phase), right(done), right(left), Cell::new(note)]
}
