//! One cell of a run folder, run in this process. Supervisors and cluster schedulers start it in a process per cell.

use std::{
    ops::ControlFlow,
    path::Path,
    time::{Duration, Instant},
};

use physrep_records::{Cell, CellFailure, CellFolder, CellOutcome, Lock, ManifestCell, RunManifest, SCHEMA, files};

use crate::{
    cell_run::{CellRun, run_cell},
    error::{Error, Result},
    events::{Phase, PhaseProgress},
    interrupt,
};

/// A cell of a run folder.
#[derive(Debug)]
pub struct SingleCell {
    cell: Cell,
    folder: CellFolder,
}

impl SingleCell {
    /// The cell of the run in folder `run` whose key begins with `id`, or whose label, `SYSTEM/METHOD/seedN`, is `id`.
    ///
    /// # Errors
    ///
    /// If there is no run, or not exactly one such cell.
    pub fn find(run: &Path, id: &str) -> Result<Self> {
        let manifest = RunManifest::read(run)?;
        let found: Vec<_> = {
            let is_meant = |cell: &&ManifestCell| cell.identity.key.starts_with(id) || cell.identity.label() == id;
            manifest.cells.iter().filter(is_meant).collect()
        };
        let [listed] = found[..] else {
            let what = if found.is_empty() { "no cell has" } else { "several cells have" };
            return Err(Error::Usage(format!(
                "cell {id}: {what} a key that begins so, or this label, in {}; `physrep-bench plan` lists them",
                run.join("run.json").display()
            )));
        };
        let folder = listed.folder(run);
        let cell = Cell::read(&folder.spec())?;
        if cell.key() != listed.identity.key {
            let reason = format!(
                "it describes another cell than its folder's, {}; it is damaged: plan the run again",
                listed.identity.key
            );
            return Err(Error::file(folder.spec(), reason));
        }
        Ok(Self { cell, folder })
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &CellFolder {
        &self.folder
    }

    /// The cell.
    pub fn cell(&self) -> &Cell {
        &self.cell
    }

    /// Runs the cell in this process, unless it has a record. Locks on the cell and on its pretraining let two processes share a
    /// run folder: the second one waits, then finds the work done. They save work alone: without them, both publish the same bytes.
    ///
    /// # Errors
    ///
    /// If a stage of the cell fails or a file cannot be read or written; [`Error::Interrupted`] if this process is to stop.
    pub fn run(
        &self,
        run: &Path,
        checkpoint_every: Duration,
        listener: &mut dyn FnMut(PhaseProgress) -> Result<()>,
    ) -> Result<()> {
        let pretraining = self.cell.pretraining(run);
        let _shared = match self.cell.joint.is_empty() {
            true => None,
            false => Some(wait_for(pretraining.path(), listener)?),
        };
        let _lock = wait_for(self.folder.path(), listener)?;
        files::remove_unfinished(self.folder.path());
        files::remove_unfinished(pretraining.path());
        if let (CellOutcome::Done(_), _) = self.folder.outcome_or_set_aside()? {
            return Ok(());
        }
        run_cell(
            CellRun { run, cell: &self.cell, folder: &self.folder, pretraining: &pretraining, checkpoint_every },
            listener,
        )
    }

    /// Writes the reason why the cell failed.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn fail(&self, reason: &str) -> Result<()> {
        let failure = CellFailure { schema: SCHEMA, identity: self.cell.identity(), reason: reason.to_owned() };
        Ok(files::write_json(&self.folder.failure(), &failure)?)
    }
}

/// How often a process that waits gives a sign of life, so that it does not count as stalled.
const SIGN: Duration = Duration::from_secs(10);

/// Waits for the lock on `folder`; the log says for whom.
fn wait_for(folder: &Path, listener: &mut dyn FnMut(PhaseProgress) -> Result<()>) -> Result<Lock> {
    let (mut waited_for, mut sign) = (String::new(), Instant::now());
    let mut listening = Ok(());
    let lock = Lock::wait(folder, |holder| {
        if waited_for != holder {
            log::info!("waiting for {holder}, which works in {}", folder.display());
            waited_for = holder.to_owned();
        }
        if sign.elapsed() >= SIGN {
            sign = Instant::now();
            listening =
                listener(PhaseProgress { phase: Phase::Start, done: 0, total: 1, loss: None, clips_per_second: None });
        }
        if interrupt::requested() || listening.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    listening?;
    lock.ok_or(Error::Interrupted)
}
