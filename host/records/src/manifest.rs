//! The manifest of a run: its cells, in the order of the table, and their folders. A run is read through its manifest, so that cells of
//! earlier configurations, which stay in the folder, are ignored.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

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
            if let Err(reason) = manifest.cells.iter().try_for_each(|cell| cell.identity.check()) {
                return Err(Error::File { path, reason: format!("a cell's {reason}") });
            }
            return Ok(manifest);
        }
        Err(Error::Usage(format!(
            "{}: expected the folder of a run with a file run.json, which `physrep-bench all`, `plan` and `merge` write",
            run.display()
        )))
    }

    /// The manifest of the run in folder `run`, or one without cells if there is none yet.
    ///
    /// # Errors
    ///
    /// If the manifest is not valid.
    pub fn read_or_new(run: &Path) -> Result<Self> {
        if file(run).is_file() { Self::read(run) } else { Ok(Self { cells: Vec::new() }) }
    }

    /// Puts a cell of embeddings made elsewhere into the run, in place of the one of its row and seed.
    pub fn put(&mut self, cell: &Cell) {
        let new = Self::of(std::slice::from_ref(cell)).cells;
        let place = |cell: &ManifestCell| {
            let identity = &cell.identity;
            (identity.system.clone(), identity.method.clone(), identity.initialisation, identity.seed)
        };
        self.cells.retain(|old| place(old) != place(&new[0]));
        self.cells.extend(new);
        self.sort();
    }

    /// Adds the finished cells of an earlier plan of the same suite in the folder `run`: those of methods that this one does not have, on its
    /// systems.
    pub fn keep_finished(&mut self, before: Self, run: &Path) {
        let is_joint = |cell: &Identity| cell.initialisation == Initialisation::Joint;
        let identities = || self.cells.iter().map(|new| &new.identity);
        // What the new cells say of their suites: the same for most of them.
        let suites: BTreeSet<_> = identities().map(|new| (&new.suite, &new.system, is_joint(new))).collect();
        let methods: BTreeSet<&str> = identities().map(|new| new.method.as_str()).collect();
        let kept = before.cells.into_iter().filter(|cell| {
            let old = &cell.identity;
            let same_suite = |(suite, system, joint): &(&SuiteFacts, &String, bool)| {
                let names = |suite: &SuiteFacts| (suite.name.clone(), suite.version, suite.draw);
                // The checksum is that of what decides the cell's system, or of all systems.
                names(suite) == names(&old.suite)
                    && (*joint || is_joint(old) || **system != old.system || suite.checksum == old.suite.checksum)
            };
            suites.iter().all(same_suite)
                && suites.iter().any(|(_, system, _)| **system == old.system)
                && !methods.contains(old.method.as_str())
                && old.initialisation != Initialisation::Elsewhere
                && cell.folder(run).found_record().is_some()
        });
        let kept: Vec<ManifestCell> = kept.collect();
        self.cells.splice(0..0, kept);
        self.sort();
    }

    /// Sorts the cells into the order of a table: systems and rows in the order of their first cell, embeddings made elsewhere behind
    /// the methods, floors last, seeds ascending.
    pub fn sort(&mut self) {
        let system = |cell: &ManifestCell| cell.identity.system.clone();
        let row = |cell: &ManifestCell| (cell.identity.method.clone(), cell.identity.initialisation);
        let (mut systems, mut rows) = (BTreeMap::new(), BTreeMap::new());
        for (place, cell) in self.cells.iter().enumerate() {
            systems.entry(system(cell)).or_insert(place);
            rows.entry(row(cell)).or_insert(place);
        }
        self.cells.sort_by_cached_key(|cell| {
            let group = match cell.identity.initialisation {
                Initialisation::Pretrained | Initialisation::Joint | Initialisation::Random => 0,
                Initialisation::Elsewhere => 1,
                Initialisation::None => 2,
            };
            (systems[&system(cell)], group, rows[&row(cell)], cell.identity.seed)
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
        let cell = Cell::read(&self.folder(run).spec()).ok()?;
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
    use physrep_benchmarks::suite::Suite;

    use super::*;
    use crate::{
        cell::{DataSource, EncoderSpec},
        device::Device,
    };

    #[test]
    fn embeddings_made_elsewhere_come_before_the_floors_once_for_each_seed() {
        let cell = |encoder: EncoderSpec, seed: u64| Cell {
            suite: Suite::load("tiny").expect("a suite"),
            data: DataSource { system: "shear_flow".into(), path: "data".into(), checksum: "data".into() },
            joint: Vec::new(),
            encoder,
            seed,
            trial: None,
            device: Device::Cpu,
            probe_library: None,
        };
        let elsewhere =
            |checksum: &str| EncoderSpec::Elsewhere { name: "dinov2".into(), checksum: checksum.into(), about: None };
        let mut manifest = RunManifest::of(&[cell(EncoderSpec::Mean, 0)]);
        let new = cell(elsewhere("new"), 0);
        for cell in [cell(elsewhere("old"), 0), cell(elsewhere("old"), 1), new.clone()] {
            manifest.put(&cell);
        }
        let rows: Vec<_> =
            manifest.cells.iter().map(|cell| (cell.identity.method.as_str(), cell.identity.seed)).collect();
        assert_eq!(rows, [("dinov2", 0), ("dinov2", 1), ("mean", 0)]);
        assert_eq!(manifest.cells[0].identity, new.identity());
        assert!(manifest.cells[0].folder.starts_with("cells/shear_flow/dinov2-elsewhere"));
    }

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
