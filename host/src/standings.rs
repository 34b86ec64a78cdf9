//! How the cells of a run stand: the one thing that tables, reports and comparisons are made from.

use std::path::Path;

use crate::{
    Error, Result,
    cell::Outcome,
    plan::Plan,
    result::{CellResult, Identity, SuiteFacts},
};

/// A run's cells, in the order of the table, and how each stands.
#[derive(Clone, Debug)]
pub struct Standings {
    /// The cells.
    pub entries: Vec<Entry>,
}

/// A cell and how it stands.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Which cell it is.
    pub cell: Identity,
    /// How it stands.
    pub outcome: Outcome,
}

impl Entry {
    /// The result, if the cell is done.
    pub fn result(&self) -> Option<&CellResult> {
        self.outcome.result()
    }
}

impl Standings {
    /// How the cells of the run in `run` stand.
    ///
    /// # Errors
    ///
    /// If there is no run, if a record cannot be read or is of another cell than the plan says, or if cells of one system are
    /// of suites that differ, in name, version or content.
    pub fn read(run: &Path) -> Result<Self> {
        Self::of(&Plan::read(run)?, run)
    }

    /// How the cells of `plan` stand, whose folders are in `run`.
    pub(crate) fn of(plan: &Plan, run: &Path) -> Result<Self> {
        let entries = plan.cells.iter().cloned().map(|planned| {
            let folder = planned.folder(run);
            let outcome = folder.outcome()?;
            let found = outcome.result().map(|result| &result.identity);
            if found.is_some_and(|found| *found != planned.identity) {
                let reason = format!("a result of another cell than plan.json says, which has {:?}", planned.identity);
                return Err(Error::File { path: folder.result(), reason });
            }
            Ok(Entry { cell: planned.identity, outcome })
        });
        let standings = Self { entries: entries.collect::<Result<_>>()? };
        standings.check_suites(run)?;
        Ok(standings)
    }

    /// The cells of each system, systems in the order of the table.
    pub fn by_system(&self) -> Vec<(&str, Vec<&Entry>)> {
        let mut systems: Vec<(&str, Vec<_>)> = Vec::new();
        for entry in &self.entries {
            match systems.iter_mut().find(|(system, _)| *system == entry.cell.system) {
                Some((_, cells)) => cells.push(entry),
                None => systems.push((&entry.cell.system, vec![entry])),
            }
        }
        systems
    }

    /// The number of cells without a result.
    pub fn incomplete(&self) -> usize {
        self.entries.iter().filter(|entry| entry.result().is_none()).count()
    }

    /// Numbers of suites that differ cannot stand side by side.
    fn check_suites(&self, run: &Path) -> Result<()> {
        let version = |suite: &SuiteFacts| (suite.name.clone(), suite.version);
        for (system, entries) in self.by_system() {
            let first = &entries[0].cell.suite;
            let all = self.entries.first().map_or(first, |entry| &entry.cell.suite);
            let wrong = entries
                .iter()
                .map(|entry| &entry.cell.suite)
                .find(|suite| *suite != first || version(suite) != version(all));
            if let Some(other) = wrong {
                let name = |suite: &SuiteFacts| format!("{} v{} ({})", suite.name, suite.version, suite.checksum);
                return Err(Error::Usage(format!(
                    "{}: results of {system} are of suites that differ, {} and {}; a table shows one version of one suite",
                    run.display(),
                    name(first),
                    name(other)
                )));
            }
        }
        Ok(())
    }
}
