//! How a run goes, for another shell: the supervisor keeps a file, and `physrep-bench status` reads it.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, Instant},
};

use clap::Args;
use comfy_table::{Cell as TableCell, CellAlignment, ContentArrangement, Table, presets};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, display::seconds, files};

/// How often the file is written while nothing but progress changes.
const EVERY: Duration = Duration::from_secs(1);

/// How a run stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// The process that runs it, or ran it last.
    pub process: u32,
    /// When it started, UTC.
    pub started: String,
    /// When this was written, UTC.
    pub written: String,
    /// Whether it goes on.
    pub state: RunState,
    /// The cells, in the order of the table.
    pub cells: Vec<CellStatus>,
}

/// Whether a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// It did when this was written.
    Running,
    /// All cells were tried.
    Finished,
    /// It was asked to stop.
    Interrupted,
}

/// How a cell stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellStatus {
    /// Its name for people.
    pub title: String,
    /// How it stands.
    pub state: CellState,
    /// While it runs, the phase, how much of how much of it is done, and what else there is to say of it.
    pub phase: String,
    /// Units of the phase that are done.
    pub done: u64,
    /// Units of the phase.
    pub total: u64,
    /// The loss and the speed; of a failed cell, why.
    pub note: String,
    /// Seconds that the phase will take yet, at its pace so far.
    pub remaining: Option<f64>,
}

/// How a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CellState {
    /// Its turn has not come.
    Waiting,
    /// A worker is at it.
    Running,
    /// It has its result.
    Done,
    /// It failed.
    Failed,
}

/// Keeps the file of a run.
pub struct Recorder {
    path: PathBuf,
    inner: Mutex<Inner>,
}

struct Inner {
    status: Status,
    /// When the present phase of a cell began, and what was done then.
    began: HashMap<String, (Instant, u64)>,
    written: Option<Instant>,
}

impl Recorder {
    /// Starts the file of the run in `out`, whose cells all wait.
    pub fn start<'a>(out: &Path, titles: impl Iterator<Item = &'a str>) -> Self {
        let waiting = |title: &str| CellStatus {
            title: title.to_owned(),
            state: CellState::Waiting,
            phase: String::new(),
            done: 0,
            total: 0,
            note: String::new(),
            remaining: None,
        };
        let status = Status {
            process: std::process::id(),
            started: now(),
            written: now(),
            state: RunState::Running,
            cells: titles.map(waiting).collect(),
        };
        let recorder =
            Self { path: file(out), inner: Mutex::new(Inner { status, began: HashMap::new(), written: None }) };
        recorder.change(|_| true);
        recorder
    }

    /// A cell's state changes.
    pub fn state(&self, title: &str, state: CellState, note: &str) {
        self.change(|inner| {
            inner.began.remove(title);
            if let Some(cell) = inner.cell(title) {
                let title = cell.title.clone();
                *cell = CellStatus {
                    title,
                    state,
                    phase: String::new(),
                    done: 0,
                    total: 0,
                    note: note.to_owned(),
                    remaining: None,
                };
            }
            true
        });
    }

    /// A running cell goes on.
    pub fn progress(&self, title: &str, phase: &str, done: u64, total: u64, note: &str) {
        self.change(|inner| {
            let Some(cell) = inner.cell(title) else {
                return false;
            };
            let new_phase = cell.phase != phase;
            (cell.state, cell.done, cell.total) = (CellState::Running, done, total);
            (cell.phase, cell.note) = (phase.to_owned(), note.to_owned());
            if new_phase {
                inner.began.insert(title.to_owned(), (Instant::now(), done));
            }
            let pace = inner
                .began
                .get(title)
                .map(|(since, first)| (since.elapsed().as_secs_f64(), done.saturating_sub(*first)));
            if let (Some((elapsed, recent)), Some(cell)) = (pace, inner.cell(title)) {
                let left = elapsed / recent as f64 * total.saturating_sub(done) as f64;
                cell.remaining = (recent > 0).then_some(left);
            }
            new_phase
        });
    }

    /// Cells that are done, and all.
    pub fn done(&self) -> (u64, u64) {
        let inner = self.inner.lock().unwrap_or_else(|e| e.into_inner());
        let done = inner.status.cells.iter().filter(|cell| cell.state == CellState::Done).count();
        (done as u64, inner.status.cells.len() as u64)
    }

    /// The run ends.
    pub fn end(&self, state: RunState) {
        self.change(|inner| {
            inner.status.state = state;
            for cell in &mut inner.status.cells {
                if cell.state == CellState::Running {
                    cell.state = CellState::Waiting;
                }
            }
            true
        });
    }

    /// Changes the status, and writes it if the change says that it matters or it has been long. The file serves readers alone:
    /// that it cannot be written is no reason to stop a run.
    fn change(&self, change: impl FnOnce(&mut Inner) -> bool) {
        let mut inner = self.inner.lock().unwrap_or_else(|e| e.into_inner());
        if !change(&mut inner) && inner.written.is_some_and(|last| last.elapsed() < EVERY) {
            return;
        }
        inner.written = Some(Instant::now());
        inner.status.written = now();
        let beside = self.path.with_extension("json.new");
        if let Ok(text) = serde_json::to_vec_pretty(&inner.status) {
            let _ = fs::write(&beside, text).and_then(|()| fs::rename(&beside, &self.path));
        }
    }
}

impl Inner {
    fn cell(&mut self, title: &str) -> Option<&mut CellStatus> {
        self.status.cells.iter_mut().find(|cell| cell.title == title)
    }
}

fn file(run: &Path) -> PathBuf {
    run.join("status.json")
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Which run to look at.
#[derive(Clone, Debug, Args)]
pub struct Command {
    /// The folder of a run.
    #[arg(default_value = "runs/tiny")]
    run: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Prints how a run stands.
pub fn run(command: &Command) -> Result<()> {
    let path = file(&command.run);
    if !path.is_file() {
        return Err(Error::Usage(format!(
            "{}: expected the folder of a run, with a file status.json as `physrep-bench all` keeps it",
            command.run.display()
        )));
    }
    let status: Status = files::read_json(&path)?;
    match command.json {
        true => println!("{}", serde_json::to_string_pretty(&status).unwrap_or_default()),
        false => print!("{}", text(&status, files::claimed(&command.run)?)),
    }
    Ok(())
}

/// The status for people; `alive` says whether a process is at work on the run.
fn text(status: &Status, alive: bool) -> String {
    let count = |state| status.cells.iter().filter(|cell| cell.state == state).count();
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["cell", "state", "phase", "done", "left", ""]);
    for cell in &status.cells {
        let state = match (cell.state, alive) {
            (CellState::Waiting, _) => "waiting",
            (CellState::Running, true) => "running",
            (CellState::Running, false) => "cut off",
            (CellState::Done, _) => "done",
            (CellState::Failed, _) => "failed",
        };
        let done = if cell.total > 0 { format!("{}/{}", cell.done, cell.total) } else { String::new() };
        let left = cell.remaining.filter(|_| alive).map(seconds).unwrap_or_default();
        let numbers = [done, left].map(|text| TableCell::new(text).set_alignment(CellAlignment::Right));
        let mut row = vec![TableCell::new(&cell.title), TableCell::new(state), TableCell::new(&cell.phase)];
        row.extend(numbers);
        row.push(TableCell::new(&cell.note));
        table.add_row(row);
    }
    let state = match (status.state, alive) {
        (RunState::Running, true) => format!("running in process {} since {}", status.process, status.started),
        (_, true) => "starting".into(),
        (RunState::Finished, false) => format!("finished at {}", status.written),
        (RunState::Interrupted, false) => format!("interrupted at {}; the same command goes on", status.written),
        (RunState::Running, false) => {
            format!("not running: it was cut off after {}; the same command goes on", status.written)
        }
    };
    format!(
        "{table}\n{} of {} cells done, {} failed; {state}\n",
        count(CellState::Done),
        status.cells.len(),
        count(CellState::Failed)
    )
}
