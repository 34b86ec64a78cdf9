//! How the cells of a run stand, and their scores as tidy CSV.

use std::path::Path;

use serde::Serialize;

use crate::{
    Error, Result,
    cell::{Cell, Outcome},
    files,
};

/// A run's cells, in the order of the table, and how each stands.
pub struct Standings<'a> {
    cells: Vec<(&'a Cell, Outcome)>,
}

/// One row of `scores.csv`.
#[derive(Debug, Serialize)]
struct Tidy<'a> {
    suite: &'a str,
    suite_version: u32,
    system: &'a str,
    method: &'a str,
    initialisation: String,
    track: String,
    probe: &'a str,
    split: &'a str,
    parameter: &'a str,
    metric: &'a str,
    seed: u64,
    value: f64,
}

impl<'a> Standings<'a> {
    /// How `cells` stand under `out`.
    pub fn read(cells: &'a [Cell], out: &Path) -> Result<Self> {
        let cells = cells.iter().map(|cell| Ok((cell, cell.folder(out).outcome()?))).collect::<Result<Vec<_>>>()?;
        Ok(Self { cells })
    }

    /// The cells of each system, systems in the order of the table.
    pub fn by_system(&self) -> Vec<(&'a str, Vec<&(&'a Cell, Outcome)>)> {
        let mut systems: Vec<(&str, Vec<_>)> = Vec::new();
        for entry in &self.cells {
            let name = entry.0.system();
            match systems.iter_mut().find(|(system, _)| *system == name) {
                Some((_, cells)) => cells.push(entry),
                None => systems.push((name, vec![entry])),
            }
        }
        systems
    }

    /// The number of cells without a result.
    pub fn incomplete(&self) -> usize {
        self.cells.iter().filter(|(_, outcome)| outcome.result().is_none()).count()
    }

    /// Writes one tidy row per system, method, initialisation, track, probe, split, parameter, metric and seed.
    pub fn write_csv(&self, path: &Path) -> Result<()> {
        let error = |reason: String| Error::File { path: path.to_owned(), reason };
        let mut writer = csv::Writer::from_writer(Vec::new());
        for result in self.cells.iter().filter_map(|(_, outcome)| outcome.result()) {
            for score in &result.scores {
                let row = Tidy {
                    suite: &result.suite,
                    suite_version: result.suite_version,
                    system: &result.system,
                    method: &result.method,
                    initialisation: result.initialisation.to_string(),
                    track: score.track.to_string(),
                    probe: &score.probe,
                    split: &score.split,
                    parameter: &score.parameter,
                    metric: &score.metric,
                    seed: result.seed,
                    value: score.value,
                };
                writer.serialize(row).map_err(|e| error(e.to_string()))?;
            }
        }
        files::write(path, &writer.into_inner().map_err(|e| error(e.to_string()))?)
    }
}
