//! Runs of made-up records.

use std::collections::BTreeMap;

use physrep_benchmarks::{
    Regime, Split,
    label_scale::{Scale, Scaling},
};
use physrep_records::{
    CellOutcome, CellRecord, Cost, Digest, ElsewhereFacts, EncoderFacts, Environment, Health, Identity, Initialisation,
    Metrics, ParameterResult, ProbeScore, Recipe, RunCell, RunResults, SCHEMA, ScoredTrajectories, SuiteFacts, Track,
};
use physrep_statistics::{GradientFlow, LabelPermutation, Spread};
use serde_json::Value;

/// The trajectories of test.
pub(super) const TRAJECTORIES: usize = 8;

/// The run of `cells`.
pub(super) fn run(cells: Vec<RunCell>) -> RunResults {
    RunResults { cells }
}

/// The errors of the test trajectories around `mse`, the same pattern for all methods.
pub(super) fn errors(mse: f32) -> Vec<f32> {
    (0..TRAJECTORIES).map(|t| mse * (1.0 + 0.02 * (t as f32 - 3.5))).collect()
}

/// A cell on `shear_flow` that is done, with an error of `mse` by the ridge probe.
pub(super) fn cell(method: &str, initialisation: Initialisation, seed: u64, mse: f32) -> RunCell {
    let record = record(method, initialisation, seed, &errors(mse));
    RunCell { identity: record.identity.clone(), outcome: CellOutcome::Done(Box::new(record)) }
}

/// The cell on another system.
pub(super) fn on(system: &str, mut cell: RunCell) -> RunCell {
    cell.identity.system = system.into();
    edited(cell, |record| record.identity.system = system.into())
}

/// The number of held-out trajectories of each regime.
pub(super) const HELD_OUT: usize = 4;

/// The cell with held-out trajectories, and an error of `mse` in each regime by the ridge probe.
pub(super) fn with_held_out(cell: RunCell, mse: [f32; 3]) -> RunCell {
    edited(cell, |record| {
        let regimes: Vec<Regime> = Regime::ALL.into_iter().flat_map(|regime| [regime; HELD_OUT]).collect();
        let held_out = ScoredTrajectories {
            index: (0..regimes.len() as u32).map(|index| 100 + index).collect(),
            windows: vec![4; regimes.len()],
            labels: vec![vec![0.5; regimes.len()]],
            regimes,
        };
        record.splits.insert(Split::HeldOut, held_out);
        for (regime, mse) in Regime::ALL.into_iter().zip(mse) {
            let score = score("ridge", 1.0, &errors(mse)[..HELD_OUT]);
            record.scores.push(ProbeScore { split: Split::HeldOut, regime: Some(regime), ..score });
        }
    })
}

/// The cell with another outcome.
pub(super) fn with_outcome(cell: RunCell, outcome: CellOutcome) -> RunCell {
    RunCell { outcome, ..cell }
}

/// The cell with a changed record.
pub(super) fn edited(mut cell: RunCell, edit: impl FnOnce(&mut CellRecord)) -> RunCell {
    match &mut cell.outcome {
        CellOutcome::Done(record) => edit(record),
        _ => panic!("the cell has no record"),
    }
    cell
}

fn record(method: &str, initialisation: Initialisation, seed: u64, squared_error: &[f32]) -> CellRecord {
    let floor = initialisation == Initialisation::None;
    let probe = if method == "mean" { "mean" } else { "ridge" };
    CellRecord {
        schema: SCHEMA,
        digest: Digest::default(),
        identity: Identity {
            key: format!("key-of-{method}-{seed}"),
            suite: SuiteFacts { name: "tiny".into(), version: 4, draw: 0, checksum: "suite".into() },
            system: "shear_flow".into(),
            method: method.into(),
            initialisation,
            seed,
            trial: None,
        },
        external: initialisation == Initialisation::Elsewhere,
        parameters: vec![Scaling { name: "Reynolds".into(), scale: Scale::Log10, mean: 2.0, std: 0.5 }],
        splits: BTreeMap::from([(
            Split::Test,
            ScoredTrajectories {
                index: (0..TRAJECTORIES as u32).collect(),
                regimes: Vec::new(),
                windows: vec![4; TRAJECTORIES],
                labels: vec![vec![0.5; TRAJECTORIES]],
            },
        )]),
        label_subsets: Vec::new(),
        scores: vec![score(probe, 1.0, squared_error)],
        selections: Vec::new(),
        health: (!floor).then(health),
        elsewhere: (initialisation == Initialisation::Elsewhere).then(|| ElsewhereFacts {
            about: Some("frames by a model of pictures".into()),
            tokens: 9,
            dim: 7,
            checksum: "embeddings".into(),
        }),
        encoder: (!floor && initialisation != Initialisation::Elsewhere).then(|| EncoderFacts {
            encoder_parameters: 1234,
            method_parameters: 2000,
            tokens: 16,
            dim: 64,
            checksum: format!("encoder of {method} {initialisation} {seed}"),
            plugin_checksum: format!("plugin of {method}"),
            program: None,
            method_version: None,
            method_revision: None,
        }),
        recipe: Recipe { suite: Value::Null, config: Value::Null, plugin: None, tuning_trials: None },
        environment: Environment {
            physrep_bench: "0.1.0".into(),
            git_revision: "revision".into(),
            rustc: "rustc".into(),
            os: "Linux".into(),
            cpu: "CPU".into(),
            cores: 2,
            memory_mib: 4096,
            threads: 2,
            device: "cpu".into(),
            data_checksum: "data".into(),
            finished: "2026-01-01T00:00:00Z".into(),
        },
        sandbox: Vec::new(),
        probe_library: None,
        cost: Cost::default(),
    }
}

/// The score of a probe on test.
pub(super) fn score(probe: &str, label_fraction: f64, squared_error: &[f32]) -> ProbeScore {
    let mse = squared_error.iter().map(|&error| f64::from(error)).sum::<f64>() / squared_error.len() as f64;
    let metrics = Metrics { mse, r2: Some(1.0 - mse), trajectory_mse: mse, trajectory_r2: Some(1.0 - mse) };
    let predicted = vec![0.4; squared_error.len()];
    ProbeScore {
        track: Track::Frozen,
        probe: probe.into(),
        label_fraction,
        split: Split::Test,
        regime: None,
        parameters: vec![ParameterResult {
            name: "Reynolds".into(),
            metrics,
            predicted,
            squared_error: squared_error.to_vec(),
        }],
        mean: metrics,
        fits: Vec::new(),
    }
}

fn health() -> Health {
    Health {
        spread: Spread {
            effective_rank: 12.3,
            dimensions: 64,
            smallest_std: 0.1,
            median_std: 0.5,
            largest_std: 2.0,
            constant_dimensions: 0,
        },
        gradient: Some(GradientFlow { steps: 10, smallest_norm: 0.5, largest_norm: 3.0, tensors_without_gradient: 0 }),
        encoder_unchanged: Some(true),
        encoding: None,
        label_permutation: LabelPermutation::of(vec![-0.2, 0.1]),
    }
}
