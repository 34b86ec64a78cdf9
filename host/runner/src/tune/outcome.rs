//! What a tuning found: the outcome of every trial, and the one with the lowest score.

use std::{collections::BTreeMap, path::Path};

use physrep_benchmarks::Split;
use physrep_records::{
    Cell, CellOutcome, Cost, Identity, Track, TrialOutcome, TrialRecord, TunedOn, TuningProgram, TuningRecord,
};
use physrep_statistics::mean;
use serde_json::{Value, json};

use super::plan::{Trial, TuningPlan};
use crate::{
    config_overrides,
    device::describe,
    environment,
    error::{Error, Result},
};

/// The only probe of a trial.
const PROBE: &str = "attentive";

/// What a trial's score is.
const OBJECTIVE: &str = "the mean over systems of the mean squared error on valid of the attentive probe on the frozen encoder, with all \
                         labels";

/// The record of a tuning whose trials in `folder` are all over.
///
/// # Errors
///
/// If an outcome cannot be read; [`Error::Interrupted`] if a trial is not over.
pub fn outcome(plan: &TuningPlan<'_>, folder: &Path) -> Result<TuningRecord> {
    let tuning = plan.tuning;
    let trials = (0..).zip(&plan.trials).map(|(number, trial)| record(number, trial, folder));
    let trials = trials.collect::<Result<Vec<_>>>()?;
    let scored = trials.iter().filter_map(|trial| Some((trial.score?, trial.trial)));
    let chosen = scored.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, trial)| trial);
    let base = config_overrides::of_suite(&tuning.suite, &tuning.method);
    let config = chosen.map(|chosen| config_overrides::with_keys(&base, &trials[chosen as usize].drawn)).transpose()?;
    let cells = plan.trials.first().map(|trial| trial.cells.as_slice()).unwrap_or_default();
    let tuned_on = |cell: &Cell| {
        let Identity { system, suite, .. } = cell.identity();
        TunedOn { system, suite, data_checksum: cell.data.checksum.clone() }
    };
    Ok(TuningRecord {
        schema: TuningRecord::SCHEMA,
        method: tuning.method.clone(),
        objective: OBJECTIVE.into(),
        systems: cells.iter().map(tuned_on).collect(),
        cell_seed: tuning.suite.seeds[0],
        seed: tuning.seed,
        ranges: tuning.ranges.file.clone(),
        base,
        trials,
        chosen,
        config: config.unwrap_or_default(),
        program: TuningProgram {
            physrep_bench: environment::VERSION.into(),
            git_revision: environment::REVISION.into(),
            device: describe(cells.first().map(|cell| cell.device).unwrap_or_default()),
            plugin_checksum: tuning.plugin.checksum().into(),
            method_version: tuning.plugin.version().map(str::to_owned),
            method_revision: tuning.plugin.revision().map(str::to_owned),
        },
    })
}

fn record(number: u64, trial: &Trial, folder: &Path) -> Result<TrialRecord> {
    let (mut systems, mut scores, mut seconds) = (BTreeMap::new(), Vec::new(), 0.0);
    for cell in &trial.cells {
        let outcome = match cell.folder(folder).outcome()? {
            CellOutcome::Failed(reason) => TrialOutcome::Failed(reason),
            CellOutcome::Missing => return Err(Error::Interrupted),
            CellOutcome::Done(record) => {
                let Cost { pretrain, encode, probe, .. } = &record.cost;
                seconds += pretrain.seconds + encode.seconds + probe.seconds;
                let score = record.score(Track::Frozen, PROBE, 1.0, Split::Valid).map(|score| score.mean.mse);
                match score.filter(|score| score.is_finite()) {
                    Some(score) => TrialOutcome::Score(score),
                    None => TrialOutcome::Failed(format!("no finite score of the {PROBE} probe on valid")),
                }
            }
        };
        if let TrialOutcome::Score(score) = outcome {
            scores.push(score);
        }
        systems.insert(cell.system().to_owned(), outcome);
    }
    let score = mean(&scores).filter(|_| scores.len() == trial.cells.len());
    Ok(TrialRecord { trial: number, drawn: trial.drawn.clone(), score, systems, seconds })
}

/// The lines of a suite that hold what a tuning chose, where `path` is that of its record; none if every trial failed.
///
/// # Errors
///
/// If the configuration cannot be written as TOML.
pub fn suite_lines(record: &TuningRecord, path: &str) -> Result<Option<String>> {
    if record.chosen.is_none() {
        return Ok(None);
    }
    let tuned = json!({ "trials": record.trials.len(), "record": path });
    let table = |value: &Value| json!({ record.method.as_str(): value });
    toml::to_string(&json!({ "methods": table(&record.config), "tuning": table(&tuned) }))
        .map(Some)
        .map_err(|e| Error::Usage(format!("the configuration of {} cannot be written as TOML: {e}", record.method)))
}
