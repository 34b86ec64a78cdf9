//! The results of a run, from which tables, reports and comparisons are made.

use std::path::Path;

use crate::{
    error::{Error, Result},
    folder::CellOutcome,
    identity::{Identity, SuiteFacts},
    manifest::RunManifest,
    record::CellRecord,
};

/// The cells of a run and their outcomes.
#[derive(Clone, Debug)]
pub struct RunResults {
    /// The cells, in the order of the table.
    pub cells: Vec<RunCell>,
}

/// A cell and its outcome.
#[derive(Clone, Debug)]
pub struct RunCell {
    /// The cell.
    pub identity: Identity,
    /// Its outcome.
    pub outcome: CellOutcome,
}

impl RunCell {
    /// The record, if the cell is done.
    pub fn record(&self) -> Option<&CellRecord> {
        self.outcome.record()
    }
}

impl RunResults {
    /// Reads the results of the run in folder `run`.
    ///
    /// # Errors
    ///
    /// If there is no run, if a record cannot be read or belongs to another cell than the manifest says, or if cells of one system
    /// are of suites that differ in name, version or content.
    pub fn read(run: &Path) -> Result<Self> {
        Self::of(&RunManifest::read(run)?, run)
    }

    /// Reads the results of the cells of `manifest`, whose folders are in `run`.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read).
    pub fn of(manifest: &RunManifest, run: &Path) -> Result<Self> {
        let cells = manifest.cells.iter().cloned().map(|listed| {
            let folder = listed.folder(run);
            let outcome = folder.outcome()?;
            let found = outcome.record().map(|result| &result.identity);
            if found.is_some_and(|found| *found != listed.identity) {
                let reason = format!("a record of another cell than run.json says, which has {:?}", listed.identity);
                return Err(Error::File { path: folder.record(), reason });
            }
            Ok(RunCell { identity: listed.identity, outcome })
        });
        let results = Self { cells: cells.collect::<Result<_>>()? };
        results.check_suites(run)?;
        Ok(results)
    }

    /// The cells of each system, systems in the order of the table.
    pub fn by_system(&self) -> Vec<(&str, Vec<&RunCell>)> {
        let mut systems: Vec<(&str, Vec<_>)> = Vec::new();
        for cell in &self.cells {
            match systems.iter_mut().find(|(system, _)| *system == cell.identity.system) {
                Some((_, cells)) => cells.push(cell),
                None => systems.push((&cell.identity.system, vec![cell])),
            }
        }
        systems
    }

    /// The number of cells without a record.
    pub fn incomplete(&self) -> usize {
        self.cells.iter().filter(|cell| cell.record().is_none()).count()
    }

    /// Scores of different suites cannot be compared.
    fn check_suites(&self, run: &Path) -> Result<()> {
        let version = |suite: &SuiteFacts| (suite.name.clone(), suite.version);
        for (system, cells) in self.by_system() {
            let first = &cells[0].identity.suite;
            let reference = self.cells.first().map_or(first, |cell| &cell.identity.suite);
            let differing = cells
                .iter()
                .map(|cell| &cell.identity.suite)
                .find(|suite| *suite != first || version(suite) != version(reference));
            if let Some(other) = differing {
                let name = |suite: &SuiteFacts| format!("{} v{} ({})", suite.name, suite.version, suite.checksum);
                return Err(Error::Usage(format!(
                    "{}: results of {system} are of suites that differ, {} and {}; a table compares rows of one version of one suite",
                    run.display(),
                    name(first),
                    name(other)
                )));
            }
        }
        Ok(())
    }
}
