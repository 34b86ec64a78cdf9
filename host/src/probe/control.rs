//! The control: with labels shuffled among trajectories there is nothing to read.
//!
//! All windows of a trajectory get the labels of another one of the same split, in train, valid and test alike, and the ridge probe
//! is fitted, chosen and scored as ever. What it then explains of test is chance, so the range over many shuffles should contain
//! zero. It does not if the way from embeddings to scores favours a method by itself: if windows of one trajectory were in train and
//! in test, whose labels a shuffle moves alike, or if a choice saw what it is scored on.

use std::collections::BTreeMap;

use physrep_nn::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::Result;
use super::metrics;
use super::ridge::{self, Basis};
use super::split::{Labels, Split};

/// What is read of shuffled labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Control {
    /// R2 on test, the mean over parameters, of each shuffle; empty where it is undefined.
    pub r2: Vec<f64>,
    /// The smallest of them.
    pub low: Option<f64>,
    /// The largest of them. Of 39 shuffles, smallest and largest bound a share of 38/40 = 95 % of what further ones give.
    pub high: Option<f64>,
}

impl Control {
    /// The control over shuffles whose R2 are given.
    pub fn of(r2: Vec<f64>) -> Self {
        let (low, high) = (r2.iter().copied().reduce(f64::min), r2.iter().copied().reduce(f64::max));
        Self { r2, low, high }
    }

    /// Whether nothing was read, as it should be; true where R2 is undefined.
    pub fn contains_zero(&self) -> bool {
        self.low.is_none_or(|low| low <= 0.0) && self.high.is_none_or(|high| high >= 0.0)
    }
}

/// R2 on `test`, the mean over parameters, of the ridge probe under each of `shuffles` shuffles of all labels among the trajectories of
/// their split. Empty if the labels of test are all equal.
///
/// # Errors
/// As [`ridge::Ridge::fit`].
pub fn shuffled(
    train: &Split,
    valid: &Split,
    test: &Split,
    config: &ridge::Config,
    shuffles: usize,
    seed: u64,
) -> Result<Vec<f64>> {
    let basis = Basis::of(train, valid, config)?;
    let mut r2 = Vec::with_capacity(shuffles);
    for shuffle in 0..shuffles as u64 {
        let [seen, chosen_by, hidden] = [train, valid, test].map(|split| {
            shuffle_labels(
                split.labels(),
                &mut Rng::new(seed, &format!("shuffled labels of {}", split.name()), shuffle),
            )
        });
        let ridge = basis.fit(&seen.values, &chosen_by.values, seen.names.len());
        r2.extend(metrics::scores(&ridge.predict(test)?, &hidden)?.r2);
    }
    Ok(r2)
}

/// The labels with each trajectory's exchanged for another's.
fn shuffle_labels(labels: &Labels, rng: &mut Rng) -> Labels {
    let width = labels.names.len();
    let row = |window: usize| &labels.values[window * width..][..width];
    let mut of: BTreeMap<u32, &[f32]> = BTreeMap::new();
    for (window, &trajectory) in labels.trajectory.iter().enumerate() {
        of.entry(trajectory).or_insert_with(|| row(window));
    }
    let trajectories: Vec<u32> = of.keys().copied().collect();
    let order = rng.permutation(trajectories.len());
    let exchanged: BTreeMap<u32, &[f32]> = trajectories
        .iter()
        .zip(&order)
        .map(|(&trajectory, &other)| (trajectory, of[&trajectories[other as usize]]))
        .collect();
    let values = labels.trajectory.iter().flat_map(|trajectory| exchanged[trajectory]).copied().collect();
    Labels { values, names: labels.names.clone(), trajectory: labels.trajectory.clone() }
}
