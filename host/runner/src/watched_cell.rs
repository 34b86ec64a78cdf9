//! One cell in a process of its own, watched and tried again: what a task of a job scheduler runs.

use std::{fs, path::Path};

use physrep_benchmarks::file_lock::FileLock;
use physrep_records::CellOutcome;

use crate::{
    attempts::{AttemptFiles, Attempts},
    cell_process::{CellEnd, run_cell_process},
    error::{Error, Result},
    events::PhaseProgress,
    interrupt,
    policy::Policy,
    progress_file::ProgressFile,
    single_cell::SingleCell,
};

/// What a watched cell tells.
#[derive(Clone, Copy, Debug)]
pub enum WatchedEvent<'a> {
    /// It waits for this process, which runs the same cell.
    WaitsFor(&'a str),
    /// The progress of a phase.
    Progress(PhaseProgress),
    /// An attempt came to nothing, for this reason; another one follows.
    Again(&'a str),
}

/// How a watched cell ended.
#[derive(Clone, Debug)]
pub enum WatchedEnd {
    /// It has its record.
    Done,
    /// It has failed, for this reason, which is written in its folder.
    Failed(String),
}

impl SingleCell {
    /// Runs the cell in a process of its own, unless it has a record. If that process dies, the cell is tried again, until `attempts` in a
    /// row, of this process and of earlier ones, left nothing from which the next one could go on. A cell that gives a reason has failed
    /// at once.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or written; [`Error::Interrupted`] if this process is to stop. The cell has a checkpoint then.
    pub fn run_watched(
        &self,
        run: &Path,
        policy: &Policy,
        attempts: usize,
        listener: &dyn Fn(WatchedEvent<'_>),
    ) -> Result<WatchedEnd> {
        let (cell, folder) = (self.cell(), self.folder());
        let task = folder.path().join(".task");
        let files = AttemptFiles::of(folder.clone(), cell.pretraining(run));
        let waiting = |holder: &str| {
            listener(WatchedEvent::WaitsFor(holder));
            interrupt::control_flow()
        };
        let _lock = FileLock::wait(&task, waiting).map_err(Error::io(&task))?.ok_or(Error::Interrupted)?;
        if let (CellOutcome::Done(_), _) = folder.outcome_or_set_aside()? {
            return Ok(WatchedEnd::Done);
        }
        let end = self.attempt_until_it_ends(run, policy, attempts, &files, listener)?;
        // While it is held: who waits for it finds the cell done.
        let _ = fs::remove_file(&task);
        Ok(end)
    }

    fn attempt_until_it_ends(
        &self,
        run: &Path,
        policy: &Policy,
        attempts: usize,
        files: &AttemptFiles,
        listener: &dyn Fn(WatchedEvent<'_>),
    ) -> Result<WatchedEnd> {
        let cell = self.cell();
        let progress = ProgressFile::start(self.folder());
        loop {
            interrupt::check()?;
            let mut made = Attempts::read(files);
            if made.len() >= attempts {
                let reason = made.reason();
                self.fail(&reason)?;
                return Ok(WatchedEnd::Failed(reason));
            }
            made.begin(files)?;
            let end = run_cell_process(run, cell, policy, None, &|step| {
                progress.progress(step);
                listener(WatchedEvent::Progress(step));
            })?;
            match end {
                CellEnd::Done => {
                    files.forget();
                    return Ok(WatchedEnd::Done);
                }
                CellEnd::Failed(reason) => {
                    files.forget();
                    self.fail(&reason)?;
                    return Ok(WatchedEnd::Failed(reason));
                }
                CellEnd::Interrupted => {
                    made.end(files, "it was stopped before it had anything to go on from")?;
                    return Err(Error::Interrupted);
                }
                CellEnd::Died(reason) => {
                    made.end(files, &reason)?;
                    listener(WatchedEvent::Again(&reason));
                }
            }
        }
    }
}
