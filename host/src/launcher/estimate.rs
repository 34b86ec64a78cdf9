//! How long cells may take: as long as those of the same row that were run before.

use std::{collections::HashMap, path::Path};

use physrep_records::{Cost, Identity, RunManifest, files};
use serde::Deserialize;

/// The mean times of the finished cells of a run.
#[derive(Debug, Default)]
pub struct Estimate {
    /// By row, and by row and system: seconds of all cells, and their number.
    sums: HashMap<(String, String), (f64, u32)>,
}

/// The part of a record that says what it cost.
#[derive(Deserialize)]
struct Costs {
    cost: Cost,
}

impl Estimate {
    /// That of the run in a folder; an empty one if nothing has been run there.
    pub fn of(run: &Path) -> Self {
        let mut estimate = Self::default();
        let Ok(manifest) = RunManifest::read_or_new(run) else { return estimate };
        for cell in &manifest.cells {
            let record = cell.folder(run).found_record().and_then(|path| files::read_json::<Costs>(&path).ok());
            if let Some(Costs { cost }) = record {
                let phases = [cost.pretrain, cost.encode, cost.probe, cost.end_to_end];
                let seconds: f64 = phases.iter().map(|phase| phase.seconds).sum();
                for key in [key(&cell.identity, true), key(&cell.identity, false)] {
                    let sum = estimate.sums.entry(key).or_default();
                    *sum = (sum.0 + seconds, sum.1 + 1);
                }
            }
        }
        estimate
    }

    /// How long a cell may take, in seconds: the mean of its row on its system, or else of its row.
    pub fn seconds(&self, cell: &Identity) -> Option<f64> {
        let sum = self.sums.get(&key(cell, true)).or_else(|| self.sums.get(&key(cell, false)));
        sum.map(|(seconds, count)| seconds / f64::from(*count))
    }
}

fn key(cell: &Identity, on_its_system: bool) -> (String, String) {
    let row = format!("{} {}", cell.method, cell.initialisation);
    (row, if on_its_system { cell.system.clone() } else { String::new() })
}
