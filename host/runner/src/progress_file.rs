//! The progress of a cell without a supervisor of the whole run, in a file of its folder, which `physrep-bench status` reads on another
//! machine.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, SystemTime},
};

use physrep_benchmarks::file_lock::machine;
use physrep_records::CellFolder;
use serde::{Deserialize, Serialize};

use crate::{environment::now, events::PhaseProgress};

/// How often the file is written: seldom enough for thousands of cells on one file server.
const INTERVAL: Duration = Duration::from_secs(10);

/// After this long, a file that was not written again is that of a process that has vanished.
const VANISHED: Duration = Duration::from_secs(60);

/// What the file says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CellProgress {
    /// The machine that runs the cell.
    pub(crate) machine: String,
    /// The process.
    pub(crate) process: u32,
    /// When that began, UTC.
    pub(crate) started: String,
    /// The progress of its phase.
    pub(crate) progress: Option<PhaseProgress>,
}

impl CellProgress {
    /// What the file in a cell's folder says, if a process writes it.
    pub(crate) fn of(folder: &CellFolder) -> Option<Self> {
        let path = file(folder.path());
        let written = fs::metadata(&path).and_then(|found| found.modified()).ok()?;
        // The clock of a file server may be ahead.
        let age = SystemTime::now().duration_since(written).unwrap_or_default();
        (age < VANISHED).then(|| physrep_records::files::read_json(&path).ok()).flatten()
    }
}

/// The file, written again and again until this is dropped; then it is removed. One that cannot be written is only missing.
pub(crate) struct ProgressFile {
    path: PathBuf,
    state: Arc<Mutex<CellProgress>>,
    end: Option<mpsc::Sender<()>>,
    writer: Option<thread::JoinHandle<()>>,
}

impl ProgressFile {
    /// Begins to write the file in a cell's folder.
    pub(crate) fn start(folder: &CellFolder) -> Self {
        let path = file(folder.path());
        let begun = CellProgress { machine: machine(), process: std::process::id(), started: now(), progress: None };
        let state = Arc::new(Mutex::new(begun));
        let (end, ended) = mpsc::channel();
        let writer = thread::spawn({
            let (path, state) = (path.clone(), state.clone());
            move || loop {
                let text = serde_json::to_vec(&*state.lock().unwrap_or_else(|e| e.into_inner())).unwrap_or_default();
                let temporary = path.with_extension("json.new");
                let _ = fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, &path));
                if ended.recv_timeout(INTERVAL) != Err(mpsc::RecvTimeoutError::Timeout) {
                    break;
                }
            }
        });
        Self { path, state, end: Some(end), writer: Some(writer) }
    }

    /// Sets the progress.
    pub(crate) fn progress(&self, progress: PhaseProgress) {
        self.state.lock().unwrap_or_else(|e| e.into_inner()).progress = Some(progress);
    }
}

impl Drop for ProgressFile {
    fn drop(&mut self) {
        self.end.take();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
        let _ = fs::remove_file(&self.path);
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("progress.json")
}
