//! All scores as tidy CSV: one row for each cell, track, probe, share of labels, split and parameter.

use physrep_benchmarks::Split;
use serde::Serialize;

use crate::{Error, Result, cell::Initialisation, result::Track, standings::Standings};

#[derive(Serialize)]
struct Tidy<'a> {
    suite: &'a str,
    suite_version: u32,
    system: &'a str,
    method: &'a str,
    initialisation: Initialisation,
    seed: u64,
    track: Track,
    probe: &'a str,
    label_fraction: f64,
    split: Split,
    parameter: &'a str,
    mse: f64,
    r2: Option<f64>,
    trajectory_mse: f64,
    trajectory_r2: Option<f64>,
}

/// The rows of all cells that are done; `parameter` is `mean` for the mean over parameters.
pub fn tidy(standings: &Standings) -> Result<String> {
    let error = |reason: String| Error::File { path: "scores.csv".into(), reason };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for result in standings.entries.iter().filter_map(|entry| entry.result()) {
        for reading in &result.readings {
            let parameters = reading.parameters.iter().map(|p| (p.name.as_str(), p.measures));
            for (parameter, measures) in parameters.chain([("mean", reading.mean)]) {
                let cell = &result.identity;
                let row = Tidy {
                    suite: &cell.suite.name,
                    suite_version: cell.suite.version,
                    system: &cell.system,
                    method: &cell.method,
                    initialisation: cell.initialisation,
                    seed: cell.seed,
                    track: reading.track,
                    probe: &reading.probe,
                    label_fraction: reading.label_fraction,
                    split: reading.split,
                    parameter,
                    mse: measures.mse,
                    r2: measures.r2,
                    trajectory_mse: measures.trajectory_mse,
                    trajectory_r2: measures.trajectory_r2,
                };
                writer.serialize(row).map_err(|e| error(e.to_string()))?;
            }
        }
    }
    let bytes = writer.into_inner().map_err(|e| error(e.to_string()))?;
    String::from_utf8(bytes).map_err(|e| error(e.to_string()))
}
