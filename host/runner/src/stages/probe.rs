//! Probing: fits the suite's probes on embeddings, with all labels and with subsets of them, and scores them.

use std::collections::BTreeMap;

use physrep_benchmarks::{Split, packed::Packed, suite::ProbeBudgets};
use physrep_evaluation::{
    AttentiveConfig, KnnConfig, LabelledEmbeddings, MlpConfig, Probe, RidgeConfig, label_subset, permute_labels, spread,
};
use physrep_records::{Cell, EncoderSpec, LabelSubset, ProbeScore, ScoredTrajectories, Selection, Track};
use physrep_statistics::{LabelPermutation, Spread, per_trajectory};

use super::{
    embedded_splits::EmbeddedSplits,
    fits::{Fit, Fitter, ScoredSplits},
    probe_score::{Fitted, column},
};
use crate::{error::Result, progress::Progress};

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
    /// The spread of the embeddings, and the label permutation test; none for a row without embeddings, and for a trial.
    pub checks: Option<(Spread, LabelPermutation)>,
}

/// The probes of a cell: those of the suite for an encoder, of which a trial has the first, or the one of a floor.
fn probes(cell: &Cell) -> Vec<Probe> {
    let budget = &cell.suite.probe;
    let ridge = Probe::Ridge(RidgeConfig { penalties: budget.ridge.penalties.clone() });
    match &cell.encoder {
        EncoderSpec::Plugin { .. } | EncoderSpec::Elsewhere { .. } => {
            let attentive = AttentiveConfig {
                epochs: budget.attentive.epochs,
                batch: budget.attentive.batch,
                learning_rate: budget.attentive.lr,
                weight_decay: budget.attentive.weight_decay,
            };
            if cell.trial.is_some() {
                return vec![Probe::Attentive(attentive)];
            }
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

/// Fits each probe by `fitter` on each label fraction of train, selects on the same fraction of valid, and scores all encoded splits but
/// train. The suite's seed draws the label subsets, so they are the same for every method; those of the probes follow from the cell's seed.
pub(crate) fn run(
    cell: &Cell,
    data: &Packed,
    embedded: &EmbeddedSplits,
    fitter: &Fitter,
    progress: &mut Progress<'_>,
) -> Result<Probed> {
    let (budget, probes) = (&cell.suite.probe, probes(cell));
    let subsets = cell.label_fractions().iter().map(|&fraction| Subset::of(embedded, fraction, cell.suite.seed));
    let subsets = subsets.collect::<Result<Vec<_>>>()?;
    let on: Vec<_> = subsets.iter().map(|subset| [&subset.train, &subset.valid]).collect();
    let seeds = |probe: &Probe| (0..number_of_fits(probe, budget)).map(|fit| seed_of_fit(cell.seed, fit)).collect();
    let fits = fitter.fit_all(&probes, &on, &seeds, &scored(embedded), progress)?;
    let (mut scores, mut selections) = (Vec::new(), Vec::new());
    let mut fits = fits.iter();
    for subset in &subsets {
        for probe in &probes {
            let fitted = Fitted { track: Track::Frozen, probe: probe.name(), label_fraction: subset.fraction };
            let fits: Vec<&Fit> = fits.by_ref().take(number_of_fits(probe, budget) as usize).collect();
            selections.extend(fits.iter().zip(0..).map(|(found, fit)| Selection {
                track: fitted.track,
                probe: fitted.probe.to_owned(),
                label_fraction: subset.fraction,
                fit,
                device: found.device,
                record: found.record.clone(),
            }));
            for (split, embedded) in scored(embedded) {
                let predictions: Vec<Vec<f32>> = fits.iter().map(|fit| fit.predictions[&split].clone()).collect();
                scores.extend(fitted.scores(data, split, &predictions, embedded.labels())?);
            }
        }
    }
    let label_subsets = subsets.iter().map(Subset::record).collect();
    let checks = match &cell.encoder {
        EncoderSpec::Mean => None,
        _ if cell.trial.is_some() => None,
        _ => Some(checks(cell, embedded)?),
    };
    Ok(Probed { splits: trajectories(data, embedded)?, label_subsets, scores, selections, checks })
}

/// The windows of train and valid whose labels the probes see.
struct Subset {
    fraction: f64,
    train: LabelledEmbeddings,
    valid: LabelledEmbeddings,
}

impl Subset {
    fn of(embedded: &EmbeddedSplits, fraction: f64, seed: u64) -> Result<Self> {
        let of = |split| label_subset(&embedded[&split], fraction, seed);
        Ok(Self { fraction, train: of(Split::Train)?, valid: of(Split::Valid)? })
    }

    fn record(&self) -> LabelSubset {
        LabelSubset {
            label_fraction: self.fraction,
            train: self.train.labels().trajectories(),
            valid: self.valid.labels().trajectories(),
        }
    }
}

/// How often a probe is fitted: once, if its fits do not differ.
fn number_of_fits(probe: &Probe, budget: &ProbeBudgets) -> u64 {
    if probe.is_random() { budget.fits } else { 1 }
}

/// The seed of a probe's fits; the first has the cell's.
fn seed_of_fit(seed: u64, fit: u64) -> u64 {
    seed.wrapping_add(fit << 32)
}

/// The health checks of embeddings.
fn checks(cell: &Cell, embedded: &EmbeddedSplits) -> Result<(Spread, LabelPermutation)> {
    let [train, valid, test] = [Split::Train, Split::Valid, Split::Test].map(|split| &embedded[&split]);
    let ridge = RidgeConfig { penalties: cell.suite.probe.ridge.penalties.clone() };
    Ok((spread(train.embeddings())?, permute_labels(train, valid, test, &ridge, PERMUTATIONS, cell.seed)?))
}

/// The splits that are scored: all but the one that probes are fitted on.
fn scored(embedded: &EmbeddedSplits) -> ScoredSplits<'_> {
    embedded.iter().filter(|(split, _)| **split != Split::Train).map(|(&split, embedded)| (split, embedded)).collect()
}

/// The trajectories of the splits that are scored.
fn trajectories(data: &Packed, embedded: &EmbeddedSplits) -> Result<BTreeMap<Split, ScoredTrajectories>> {
    scored(embedded)
        .into_iter()
        .map(|(split, embedded)| {
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
                    regimes: by_trajectory
                        .trajectory
                        .iter()
                        .filter_map(|&index| data.header().trajectories[index as usize].regime)
                        .collect(),
                    windows: windows.collect(),
                    labels: (0..parameters).map(|parameter| column(&values, parameter, parameters)).collect(),
                    index: by_trajectory.trajectory,
                },
            ))
        })
        .collect()
}
