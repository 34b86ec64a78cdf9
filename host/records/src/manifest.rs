//! The manifest of a run: its cells, in the order of the table, and their folders. A run is read through its manifest, so that cells of
//! earlier configurations, which stay in the folder, are ignored.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    cell::Cell,
    error::{Error, Result},
    files,
    folder::CellFolder,
    identity::{Identity, Initialisation, SuiteFacts},
};

/// A run's cells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunManifest {
    /// The cells in the order of the table: by system, then by row, then by seed.
    pub cells: Vec<ManifestCell>,
}

/// One cell of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestCell {
    /// Which cell it is.
    #[serde(flatten)]
    pub identity: Identity,
    /// Its folder, relative to the run's.
    pub folder: PathBuf,
}

impl RunManifest {
    /// The manifest of `cells`.
    pub fn of(cells: &[Cell]) -> Self {
        let entry = |cell: &Cell| ManifestCell {
            identity: cell.identity(),
            folder: cell.folder(Path::new("")).path().to_owned(),
        };
        Self { cells: cells.iter().map(entry).collect() }
    }

    /// The manifest of the run in folder `run`.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the folder has no manifest; [`Error::File`] if the manifest is not valid.
    pub fn read(run: &Path) -> Result<Self> {
        let path = file(run);
        if path.is_file() {
            let manifest: Self = files::read_json(&path)?;
            if let Some(outside) = manifest.cells.iter().find(|cell| !is_below(&cell.folder)) {
                let reason = format!(
                    "a cell's `folder` is {:?}; expected a path below the run's own folder, such as cells/SYSTEM/METHOD/seed0-KEY",
                    outside.folder
                );
                return Err(Error::File { path, reason });
            }
            return Ok(manifest);
        }
        Err(Error::Usage(format!(
            "{}: expected the folder of a run with a file run.json, which `physrep-bench all`, `plan` and `merge` write",
            run.display()
        )))
    }

    /// Adds the finished cells of an earlier plan of the same suite in the folder `run`: those of methods that this one does not have, on its
    /// systems.
    pub fn keep_finished(&mut self, before: Self, run: &Path) {
        let kept = before.cells.into_iter().filter(|cell| {
            let old = &cell.identity;
            let same_suite = |new: &ManifestCell| {
                let joint = [&new.identity, old].iter().any(|cell| cell.initialisation == Initialisation::Joint);
                let names = |suite: &SuiteFacts| (suite.name.clone(), suite.version, suite.draw);
                // The checksum is that of what decides the cell's system, or of all systems.
                names(&new.identity.suite) == names(&old.suite)
                    && (joint || new.identity.system != old.system || new.identity.suite.checksum == old.suite.checksum)
            };
            self.cells.iter().all(same_suite)
                && self.cells.iter().any(|new| new.identity.system == old.system)
                && !self.cells.iter().any(|new| new.identity.method == old.method)
                && cell.folder(run).found_record().is_some()
        });
        self.cells = kept.collect::<Vec<_>>().into_iter().chain(std::mem::take(&mut self.cells)).collect();
        self.sort();
    }

    /// Sorts the cells into the order of a table: systems and rows in the order of their first cell, seeds ascending.
    pub fn sort(&mut self) {
        let system = |cell: &ManifestCell| cell.identity.system.clone();
        let row = |cell: &ManifestCell| (cell.identity.method.clone(), cell.identity.initialisation);
        let systems: Vec<String> = self.cells.iter().map(system).collect();
        let rows: Vec<_> = self.cells.iter().map(row).collect();
        self.cells.sort_by_key(|cell| {
            let floor = cell.identity.initialisation == Initialisation::None;
            let index = |found: Option<usize>| found.unwrap_or_default();
            (
                index(systems.iter().position(|other| *other == system(cell))),
                floor,
                index(rows.iter().position(|other| *other == row(cell))),
                cell.identity.seed,
            )
        });
    }

    /// Writes the manifest into the folder `run`.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, run: &Path) -> Result<()> {
        files::write_json(&file(run), self)
    }
}

impl ManifestCell {
    /// Its folder in the run's folder.
    pub fn folder(&self, run: &Path) -> CellFolder {
        CellFolder::at(run.join(&self.folder))
    }

    /// The description of the cell, if it can be read. Tables do not need it; training curves do.
    pub fn cell(&self, run: &Path) -> Option<Cell> {
        let cell: Cell = files::read_json(&self.folder(run).spec()).ok()?;
        // Another key is that of a damaged description.
        (cell.key() == self.identity.key).then_some(cell)
    }
}

/// Whether a path leads from a folder to one below it. A manifest may come from strangers, and what it names is read and written.
fn is_below(path: &Path) -> bool {
    path.components().next().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)))
}

fn file(run: &Path) -> PathBuf {
    run.join("run.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_outside_the_run_is_refused() {
        let cell = |folder: &str| {
            serde_json::json!({"cells": [{
                "key": "0a", "suite": {"name": "tiny", "version": 5, "draw": 0, "checksum": "1"}, "system": "s", "method": "m",
                "initialisation": "random", "seed": 0, "folder": folder,
            }]})
        };
        for (folder, accepted) in [
            ("cells/s/m/seed0-0a", true),
            ("../elsewhere", false),
            ("/tmp/elsewhere", false),
            ("cells/../..", false),
            ("", false),
        ] {
            let run = tempfile::tempdir().expect("a temporary folder");
            files::write_json(&file(run.path()), &cell(folder)).expect("writable");
            let read = RunManifest::read(run.path());
            assert_eq!(read.is_ok(), accepted, "{folder:?}: {read:?}");
            if let Err(error) = read {
                assert!(error.to_string().contains("expected a path below"), "{error}");
            }
        }
    }
}
