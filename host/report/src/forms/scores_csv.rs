//! All scores as tidy CSV: one row per cell, track, probe, label fraction, split, regime and parameter.

use physrep_benchmarks::{Regime, Split};
use physrep_records::{CellRecord, Initialisation, Metrics, ProbeScore, RunResults, Track};
use physrep_statistics::standard_deviation;
use serde::Serialize;

use crate::error::{Error, Result};

/// One row; its fields are the columns.
#[derive(Serialize)]
struct TidyRow<'a> {
    suite: &'a str,
    suite_version: u32,
    draw: u64,
    system: &'a str,
    method: &'a str,
    initialisation: Initialisation,
    seed: u64,
    track: Track,
    probe: &'a str,
    label_fraction: f64,
    split: Split,
    regime: Option<Regime>,
    parameter: &'a str,
    mse: f64,
    r2: Option<f64>,
    trajectory_mse: f64,
    trajectory_r2: Option<f64>,
    fits_std: Option<f64>,
}

impl<'a> TidyRow<'a> {
    fn of(record: &'a CellRecord, score: &'a ProbeScore, parameter: &'a str, metrics: Metrics) -> Self {
        let cell = &record.identity;
        Self {
            suite: &cell.suite.name,
            suite_version: cell.suite.version,
            draw: cell.suite.draw,
            system: &cell.system,
            method: &cell.method,
            initialisation: cell.initialisation,
            seed: cell.seed,
            track: score.track,
            probe: &score.probe,
            label_fraction: score.label_fraction,
            split: score.split,
            regime: score.regime,
            parameter,
            mse: metrics.mse,
            r2: metrics.r2,
            trajectory_mse: metrics.trajectory_mse,
            trajectory_r2: metrics.trajectory_r2,
            fits_std: None,
        }
    }
}

/// The scores of all cells that are done as CSV. `parameter` is `mean` for the mean over parameters; `regime` is empty for scores of a
/// whole split, `r2` where it is undefined. `fits_std` is the standard deviation of the mean squared error over the fits of the probe; it is
/// empty for single parameters, and for a probe that was fitted once.
///
/// # Errors
///
/// [`Error::Csv`] if a row cannot be written.
pub(super) fn document(results: &RunResults) -> Result<String> {
    let failed = |source: csv::Error| Error::Csv { what: "scores".into(), source };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in results.cells.iter().filter_map(|cell| cell.record()) {
        for score in &record.scores {
            for parameter in &score.parameters {
                writer.serialize(TidyRow::of(record, score, &parameter.name, parameter.metrics)).map_err(failed)?;
            }
            let fits_std = standard_deviation(&score.fits);
            writer.serialize(TidyRow { fits_std, ..TidyRow::of(record, score, "mean", score.mean) }).map_err(failed)?;
        }
    }
    let bytes = writer.into_inner().map_err(|e| failed(e.into_error().into()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
