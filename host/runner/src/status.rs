//! The status of a run: the supervisor writes it to a file, and `physrep-bench status` reads it from another shell.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, Instant},
};

use physrep_records::{CellFailure, ManifestCell, RunManifest, files};
use serde::{Deserialize, Serialize};

use crate::{
    environment::now,
    error::{Error, Result},
    events::PhaseProgress,
    progress_file::CellProgress,
};

/// How often the file is written while only the progress changes.
const INTERVAL: Duration = Duration::from_secs(1);

/// The status of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunStatus {
    /// The process that runs it, or ran it last.
    pub process: u32,
    /// When it started, UTC.
    pub started: String,
    /// When this was written, UTC.
    pub written: String,
    /// Its state when this was written.
    pub state: RunState,
    /// The cells, in the order of the table.
    pub cells: Vec<CellStatus>,
}

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Cells are being run.
    Running,
    /// All cells were tried.
    Finished,
    /// It was interrupted.
    Interrupted,
    /// Its cells are tasks of a job scheduler, or were started one by one.
    Tasks,
}

/// The status of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellStatus {
    /// Its title in messages.
    pub title: String,
    /// Its state.
    pub state: CellState,
    /// While it runs, the progress of its phase.
    pub progress: Option<PhaseProgress>,
    /// Estimated remaining time of the phase, in seconds.
    pub remaining: Option<f64>,
    /// Why it failed.
    pub reason: Option<String>,
}

/// The state of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CellState {
    /// It has not started.
    Waiting,
    /// Its process is running.
    Running,
    /// It has its record.
    Done,
    /// It failed.
    Failed,
}

impl CellStatus {
    /// The status of a cell by its files. A file of its progress is that of the process that runs it now.
    fn of_files(cell: &ManifestCell, run: &Path) -> Self {
        let (title, folder) = (cell.identity.title(), cell.folder(run));
        if folder.found_record().is_some() {
            return Self::new(&title, CellState::Done, None);
        }
        if let Some(CellProgress { machine, progress, .. }) = CellProgress::of(&folder) {
            let reason = Some(format!("on {machine}"));
            return Self { progress, reason, ..Self::new(&title, CellState::Running, None) };
        }
        match CellFailure::read(&folder.failure()) {
            Ok(failure) => Self::new(&title, CellState::Failed, Some(&failure.reason)),
            Err(_) => Self::new(&title, CellState::Waiting, None),
        }
    }

    fn new(title: &str, state: CellState, reason: Option<&str>) -> Self {
        let (title, reason) = (title.to_owned(), reason.map(str::to_owned));
        Self { title, state, progress: None, remaining: None, reason }
    }
}

impl RunStatus {
    /// The status of the run in folder `run` by the files of its cells, whoever runs them, on whichever machine.
    ///
    /// # Errors
    ///
    /// [`Error::Records`] if there is no run in it, or its manifest is invalid.
    pub fn of_files(run: &Path) -> Result<Self> {
        let manifest = RunManifest::read(run)?;
        Ok(Self::tasks(manifest.cells.iter().map(|cell| CellStatus::of_files(cell, run)).collect()))
    }

    /// The status of cells that are tasks.
    pub fn tasks(cells: Vec<CellStatus>) -> Self {
        Self { process: 0, started: String::new(), written: now(), state: RunState::Tasks, cells }
    }

    /// Reads the status of the run in folder `run`.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if there is no run in it; [`Error::Records`] if the file is invalid.
    pub fn read(run: &Path) -> Result<Self> {
        let path = file(run);
        if path.is_file() {
            return Ok(files::read_json(&path)?);
        }
        Err(Error::Usage(format!(
            "{}: expected the folder of a run with a file status.json, which `physrep-bench all` writes",
            run.display()
        )))
    }
}

/// The file of a run's status. It is written again and again, so that only the last error of writing it matters.
pub(crate) struct StatusFile {
    path: PathBuf,
    inner: Mutex<Inner>,
}

struct Inner {
    status: RunStatus,
    /// The places of the cells in it, by their titles.
    places: HashMap<String, usize>,
    /// For each running cell, when its current phase started, and the units done then.
    started: HashMap<String, (Instant, u64)>,
    written: Option<Instant>,
    /// Why the file could not be written the last time.
    failed: Option<io::Error>,
}

impl StatusFile {
    /// Creates the file of the run in folder `run`, with all cells waiting.
    pub(crate) fn start<'a>(run: &Path, titles: impl Iterator<Item = &'a str>) -> Self {
        let status = RunStatus {
            process: std::process::id(),
            started: now(),
            written: now(),
            state: RunState::Running,
            cells: titles.map(|title| CellStatus::new(title, CellState::Waiting, None)).collect(),
        };
        let places = status.cells.iter().enumerate().map(|(place, cell)| (cell.title.clone(), place)).collect();
        let inner = Inner { status, places, started: HashMap::new(), written: None, failed: None };
        let status = Self { path: file(run), inner: Mutex::new(inner) };
        status.change(|_| true);
        status
    }

    /// Sets a cell's state, with the reason of a failure.
    pub(crate) fn state(&self, title: &str, state: CellState, reason: Option<&str>) {
        self.change(|inner| {
            inner.started.remove(title);
            if let Some(cell) = inner.cell(title) {
                *cell = CellStatus::new(title, state, reason);
            }
            true
        });
    }

    /// Sets the state of cells that were done before.
    pub(crate) fn were_done(&self, titles: &[&str]) {
        self.change(|inner| {
            for title in titles {
                if let Some(cell) = inner.cell(title) {
                    cell.state = CellState::Done;
                }
            }
            true
        });
    }

    /// Sets the progress of a running cell.
    pub(crate) fn progress(&self, title: &str, progress: &PhaseProgress) {
        self.change(|inner| {
            let Some(cell) = inner.cell(title) else {
                return false;
            };
            let new_phase = cell.progress.is_none_or(|before| before.phase != progress.phase);
            (cell.state, cell.progress) = (CellState::Running, Some(*progress));
            let (done, total) = (progress.done, progress.total);
            if new_phase {
                inner.started.insert(title.to_owned(), (Instant::now(), done));
            }
            let pace = inner
                .started
                .get(title)
                .map(|(since, first)| (since.elapsed().as_secs_f64(), done.saturating_sub(*first)));
            if let (Some((elapsed, recent)), Some(cell)) = (pace, inner.cell(title)) {
                let left = elapsed / recent as f64 * total.saturating_sub(done) as f64;
                cell.remaining = (recent > 0).then_some(left);
            }
            new_phase
        });
    }

    /// The number of finished cells, and of all cells.
    pub(crate) fn done(&self) -> (u64, u64) {
        let inner = self.inner.lock().unwrap_or_else(|e| e.into_inner());
        let done = inner.status.cells.iter().filter(|cell| cell.state == CellState::Done).count();
        (done as u64, inner.status.cells.len() as u64)
    }

    /// Sets the final state of the run.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn end(&self, state: RunState) -> Result<()> {
        self.change(|inner| {
            inner.status.state = state;
            for cell in &mut inner.status.cells {
                if cell.state == CellState::Running {
                    cell.state = CellState::Waiting;
                }
            }
            true
        });
        let mut inner = self.inner.lock().unwrap_or_else(|e| e.into_inner());
        inner.failed.take().map_or(Ok(()), |error| Err(Error::io(&self.path)(error)))
    }

    /// Changes the status. Writes the file if `change` returns true or the file is older than [`INTERVAL`].
    fn change(&self, change: impl FnOnce(&mut Inner) -> bool) {
        let mut inner = self.inner.lock().unwrap_or_else(|e| e.into_inner());
        if !change(&mut inner) && inner.written.is_some_and(|last| last.elapsed() < INTERVAL) {
            return;
        }
        inner.written = Some(Instant::now());
        inner.status.written = now();
        let temporary = self.path.with_extension("json.new");
        let text = serde_json::to_vec_pretty(&inner.status).map_err(io::Error::from);
        let written = text.and_then(|text| fs::write(&temporary, text));
        inner.failed = written.and_then(|()| fs::rename(&temporary, &self.path)).err();
        if inner.failed.is_some() {
            // It may be half of one, and takes space.
            let _ = fs::remove_file(&temporary);
        }
    }
}

impl Inner {
    fn cell(&mut self, title: &str) -> Option<&mut CellStatus> {
        self.places.get(title).map(|&place| &mut self.status.cells[place])
    }
}

fn file(run: &Path) -> PathBuf {
    run.join("status.json")
}
