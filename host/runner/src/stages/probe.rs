//! Probing: fits the suite's probes on embeddings, with all labels and with subsets of them, and scores them.

use std::collections::BTreeMap;

use physrep_benchmarks::{Split, suite::ProbeBudgets};
use physrep_evaluation::{
    AttentiveConfig, KnnConfig, LabelledEmbeddings, MlpConfig, Probe, RidgeConfig, label_subset, permute_labels, spread,
};
use physrep_records::{Cell, EncoderSpec, LabelSubset, ProbeScore, ScoredTrajectories, Selection, Track};
use physrep_statistics::{LabelPermutation, Spread, per_trajectory};

use super::{
    encode::EmbeddedSplits,
    probe_score::{column, probe_score},
};
use crate::{error::Result, events::Phase, progress::Progress};

/// Permutations in the label permutation test: their range contains a further one with probability 38/40 = 95 %.
const PERMUTATIONS: usize = 39;

/// The scores and selections of a cell's probes, and the health checks of its embeddings.
#[derive(Debug)]
pub struct Probed {
    /// The trajectories of the splits that are scored.
    pub splits: BTreeMap<Split, ScoredTrajectories>,
    /// The trajectories whose labels the probes saw, for each label fraction.
    pub label_subsets: Vec<LabelSubset>,
    /// Scores, by label fraction, probe and split.
    pub scores: Vec<ProbeScore>,
    /// Selections, by label fraction and probe.
    pub selections: Vec<Selection>,
    /// The spread of the embeddings, and the label permutation test; none for a row without embeddings.
    pub checks: Option<(Spread, LabelPermutation)>,
}

/// The probes of a cell: those of the suite for an encoder, or the one of a floor.
fn probes(encoder: &EncoderSpec, budget: &ProbeBudgets) -> Vec<Probe> {
    let ridge = Probe::Ridge(RidgeConfig { penalties: budget.ridge.penalties.clone() });
    match encoder {
        EncoderSpec::Plugin { .. } => {
            let attentive = AttentiveConfig {
                epochs: budget.attentive.epochs,
                batch: budget.attentive.batch,
                learning_rate: budget.attentive.lr,
                weight_decay: budget.attentive.weight_decay,
            };
            let mlp = MlpConfig {
                hidden: budget.mlp.hidden,
                epochs: budget.mlp.epochs,
                batch: budget.mlp.batch,
                learning_rate: budget.mlp.lr,
                weight_decay: budget.mlp.weight_decay,
            };
            let knn = KnnConfig { neighbours: budget.knn.neighbours.clone(), ..Default::default() };
            vec![Probe::Attentive(attentive), Probe::Mlp(mlp), ridge, Probe::Knn(knn)]
        }
        EncoderSpec::Features => vec![ridge],
        EncoderSpec::Mean => vec![Probe::Mean],
    }
}

/// Fits each probe on each label fraction of train, selects on the same fraction of valid, and scores all splits but train. The
/// suite's seed draws the label subsets, so they are the same for every method; the cell's seed is that of the probes.
pub(crate) fn run(cell: &Cell, embedded: &EmbeddedSplits, progress: &mut Progress<'_>) -> Result<Probed> {
    let budget = &cell.suite.probe;
    let probes = probes(&cell.encoder, budget);
    let total = (probes.len() * budget.label_fractions.len()) as u64;
    let mut done = 0;
    let (mut label_subsets, mut scores, mut selections) = (Vec::new(), Vec::new(), Vec::new());
    for &fraction in &budget.label_fractions {
        let subset = |split| label_subset(&embedded[&split], fraction, cell.suite.seed);
        let (train, valid) = (subset(Split::Train)?, subset(Split::Valid)?);
        label_subsets.push(LabelSubset {
            label_fraction: fraction,
            train: train.labels().trajectories(),
            valid: valid.labels().trajectories(),
        });
        for probe in &probes {
            progress.report(Phase::Probe, done, total)?;
            let fitted = probe.fit(&train, &valid, cell.seed)?;
            let (track, probe) = (Track::Frozen, probe.name());
            selections.push(Selection {
                track,
                probe: probe.to_owned(),
                label_fraction: fraction,
                record: serde_json::json!(fitted.record()),
            });
            for (&split, embedded) in scored(embedded) {
                let predictions = fitted.predict(embedded)?;
                scores.push(probe_score(track, probe, fraction, split, &predictions, embedded.labels())?);
            }
            done += 1;
        }
    }
    progress.report(Phase::Probe, total, total)?;
    let checks = match &cell.encoder {
        EncoderSpec::Plugin { .. } | EncoderSpec::Features => Some(checks(cell, embedded)?),
        EncoderSpec::Mean => None,
    };
    Ok(Probed { splits: trajectories(embedded)?, label_subsets, scores, selections, checks })
}

/// The health checks of embeddings.
fn checks(cell: &Cell, embedded: &EmbeddedSplits) -> Result<(Spread, LabelPermutation)> {
    let [train, valid, test] = [Split::Train, Split::Valid, Split::Test].map(|split| &embedded[&split]);
    let ridge = RidgeConfig { penalties: cell.suite.probe.ridge.penalties.clone() };
    Ok((spread(train.embeddings())?, permute_labels(train, valid, test, &ridge, PERMUTATIONS, cell.seed)?))
}

/// The splits that are scored: all but the one that probes are fitted on.
fn scored(embedded: &EmbeddedSplits) -> impl Iterator<Item = (&Split, &LabelledEmbeddings)> {
    embedded.iter().filter(|(split, _)| **split != Split::Train)
}

/// The trajectories of the splits that are scored.
fn trajectories(embedded: &EmbeddedSplits) -> Result<BTreeMap<Split, ScoredTrajectories>> {
    scored(embedded)
        .map(|(&split, embedded)| {
            let labels = embedded.labels();
            let (values, by_trajectory) = per_trajectory(&labels.values, labels)?;
            let windows = by_trajectory
                .trajectory
                .iter()
                .map(|t| labels.trajectory.iter().filter(|other| *other == t).count() as u32);
            let parameters = labels.names.len();
            Ok((
                split,
                ScoredTrajectories {
                    windows: windows.collect(),
                    labels: (0..parameters).map(|parameter| column(&values, parameter, parameters)).collect(),
                    index: by_trajectory.trajectory,
                },
            ))
        })
        .collect()
}
