//! What a run is to hold: its cells, in the order of the table, and where each lies. Whatever reads a run reads this first, so
//! that cells of earlier configurations, which stay in the folder, take no part.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    cell::{Cell, CellFolder, Initialisation},
    files,
    result::Identity,
};

/// A run's cells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// In the order of the table: by system, then by row, then by seed.
    pub cells: Vec<Planned>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Which cell it is.
    #[serde(flatten)]
    pub identity: Identity,
    /// Its folder, from the run's.
    pub folder: PathBuf,
}

impl Plan {
    /// The plan of `cells`.
    pub fn of(cells: &[Cell]) -> Self {
        let planned =
            |cell: &Cell| Planned { identity: cell.identity(), folder: cell.folder(Path::new("")).path().to_owned() };
        Self { cells: cells.iter().map(planned).collect() }
    }

    /// The plan of the run in `run`.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if there is no run.
    pub fn read(run: &Path) -> Result<Self> {
        let path = file(run);
        if path.is_file() {
            return files::read_json(&path);
        }
        Err(Error::Usage(format!(
            "{}: expected the folder of a run, with a file plan.json as `physrep-bench all` and `merge` leave it",
            run.display()
        )))
    }

    /// Puts the cells into the order of a table, systems and rows as they first came, seeds ascending.
    pub fn sort(&mut self) {
        let system = |cell: &Planned| cell.identity.system.clone();
        let row = |cell: &Planned| (cell.identity.method.clone(), cell.identity.initialisation);
        let systems: Vec<String> = self.cells.iter().map(system).collect();
        let rows: Vec<_> = self.cells.iter().map(row).collect();
        self.cells.sort_by_key(|cell| {
            let floor = cell.identity.initialisation == Initialisation::None;
            let place = |found: Option<usize>| found.unwrap_or_default();
            (
                place(systems.iter().position(|other| *other == system(cell))),
                floor,
                place(rows.iter().position(|other| *other == row(cell))),
                cell.identity.seed,
            )
        });
    }

    /// Writes the plan into the run's folder.
    pub fn write(&self, run: &Path) -> Result<()> {
        files::write_json(&file(run), self)
    }
}

impl Planned {
    /// Its folder in the run's.
    pub fn folder(&self, run: &Path) -> CellFolder {
        CellFolder::at(run.join(&self.folder))
    }

    /// The cell, if its description is there and can be read. Results do not need it; curves and sample fields do.
    pub fn cell(&self, run: &Path) -> Option<Cell> {
        files::read_json(&self.folder(run).spec()).ok()
    }
}

fn file(run: &Path) -> PathBuf {
    run.join("plan.json")
}
