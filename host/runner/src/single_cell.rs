//! One cell of a run folder, run in this process. Supervisors and cluster schedulers start it in a process per cell.

use std::{path::Path, time::Duration};

use physrep_records::{Cell, CellFailure, CellFolder, CellOutcome, Lock, RunManifest, SCHEMA, files};

use crate::{
    cell_run::{CellRun, run_cell},
    error::{Error, Result},
    events::PhaseProgress,
};

/// A cell of a run folder.
#[derive(Debug)]
pub struct SingleCell {
    cell: Cell,
    folder: CellFolder,
}

impl SingleCell {
    /// The cell of the run in folder `run` whose key begins with `id`.
    ///
    /// # Errors
    ///
    /// If there is no run, or not exactly one such cell.
    pub fn find(run: &Path, id: &str) -> Result<Self> {
        let manifest = RunManifest::read(run)?;
        let found: Vec<_> = manifest.cells.iter().filter(|cell| cell.identity.key.starts_with(id)).collect();
        let [listed] = found[..] else {
            let what = if found.is_empty() { "no cell has" } else { "several cells have" };
            return Err(Error::Usage(format!(
                "cell {id}: {what} a key that begins so in {}; `physrep-bench plan` lists them",
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

    /// The cell.
    pub fn cell(&self) -> &Cell {
        &self.cell
    }

    /// Runs the cell in this process, unless it has a record. Locks on the cell and on its pretraining let two processes share a
    /// run folder: the second one waits, then finds the work done.
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
            false => Some(Lock::wait(pretraining.path())?),
        };
        let _lock = Lock::wait(self.folder.path())?;
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
