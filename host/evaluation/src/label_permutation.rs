//! The label permutation test: after labels are permuted among trajectories, embeddings hold no information about them.
//!
//! All windows of a trajectory get the labels of another one. Train, valid and test are permuted together, so that a trajectory in
//! two splits would have the same labels in both. The ridge probe is fitted, selected and scored as usual. Whatever variance of
//! test it then explains is chance, so the range of R2 over many permutations should contain zero. It does not if the evaluation
//! leaks: if windows of one trajectory are in train and in test, or if a selection saw the labels that it is scored on.

use std::collections::BTreeMap;

use physrep_random::Stream;
use physrep_statistics::LabelPermutation;

use crate::{
    error::Result,
    labelled::LabelledEmbeddings,
    probes::ridge::{Basis, RidgeConfig},
};

/// R2 on `test`, the mean over parameters, of the ridge probe for each of `permutations` permutations of the labels of all
/// trajectories: `1 - sum (y - f)^2 / sum (y - mean of train)^2`, which is 0 if the mean label of train is always predicted.
///
/// # Errors
/// As [`Probe::fit`](crate::Probe::fit).
pub fn permute_labels(
    train: &LabelledEmbeddings,
    valid: &LabelledEmbeddings,
    test: &LabelledEmbeddings,
    config: &RidgeConfig,
    permutations: usize,
    seed: u64,
) -> Result<LabelPermutation> {
    let basis = Basis::of(train, valid, config)?;
    let labels = TrajectoryLabels::of(&[train, valid, test]);
    let parameters = train.parameters();
    let mut r2 = Vec::with_capacity(permutations);
    for permutation in 0..permutations as u64 {
        let permuted = labels.permuted(&mut Stream::new(seed, "shuffled labels", permutation));
        let [train_labels, valid_labels, truth] = [train, valid, test].map(|split| permuted.of(split));
        let ridge = basis.fit(&train_labels, &valid_labels, parameters);
        let predicted = ridge.predict(test)?;
        let explained = |parameter: usize| {
            let column = |values: &[f32]| -> Vec<f64> {
                values.iter().skip(parameter).step_by(parameters).map(|&value| f64::from(value)).collect()
            };
            let (train_labels, truth, predicted) = (column(&train_labels), column(&truth), column(&predicted));
            let mean = train_labels.iter().sum::<f64>() / train_labels.len() as f64;
            let error: f64 = truth.iter().zip(&predicted).map(|(y, f)| (y - f).powi(2)).sum();
            let spread: f64 = truth.iter().map(|y| (y - mean).powi(2)).sum();
            (spread > 0.0).then(|| 1.0 - error / spread)
        };
        let all: Option<f64> = (0..parameters).map(explained).sum();
        r2.extend(all.map(|sum| sum / parameters as f64));
    }
    Ok(LabelPermutation::of(r2))
}

/// The labels of all trajectories.
struct TrajectoryLabels<'a> {
    trajectories: Vec<u32>,
    /// For each trajectory, its P labels.
    labels: Vec<&'a [f32]>,
}

impl<'a> TrajectoryLabels<'a> {
    fn of(splits: &[&'a LabelledEmbeddings]) -> Self {
        let mut all: BTreeMap<u32, &[f32]> = BTreeMap::new();
        for split in splits {
            let labels = split.labels();
            for (row, &trajectory) in labels.values.chunks_exact(labels.names.len()).zip(&labels.trajectory) {
                all.entry(trajectory).or_insert(row);
            }
        }
        Self { trajectories: all.keys().copied().collect(), labels: all.into_values().collect() }
    }

    /// The same trajectories with their labels permuted.
    fn permuted(&self, rng: &mut Stream) -> PermutedLabels<'a> {
        let order = rng.permutation(self.labels.len());
        let other = |index: &u32| self.labels[*index as usize];
        PermutedLabels(self.trajectories.iter().copied().zip(order.iter().map(other)).collect())
    }
}

/// The labels of each trajectory under a permutation.
struct PermutedLabels<'a>(BTreeMap<u32, &'a [f32]>);

impl PermutedLabels<'_> {
    /// The labels of a split's windows, `(N, P)`.
    fn of(&self, split: &LabelledEmbeddings) -> Vec<f32> {
        split.labels().trajectory.iter().flat_map(|trajectory| self.0[trajectory]).copied().collect()
    }
}
