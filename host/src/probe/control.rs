//! The control: with labels shuffled among trajectories there is nothing to read.
//!
//! All windows of a trajectory get the labels of another one; train, valid and test are shuffled as one, so that a trajectory that
//! were in two splits would have the same labels in both. The ridge probe is fitted, chosen and scored as ever. What it then explains
//! of test, beyond the mean label of train, is chance, and the range over many shuffles should contain zero. It does not if the way
//! from embeddings to scores gives something away by itself: if windows of one trajectory were in train and in test, or if a choice
//! saw what it is scored on.

use std::collections::BTreeMap;

use physrep_nn::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::Result;
use super::ridge::{self, Basis};
use super::split::Split;

/// What is read of shuffled labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Control {
    /// R2 on test, the mean over parameters and against the mean of train, of each shuffle; those where it is undefined are left out.
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

/// R2 on `test`, the mean over parameters, of the ridge probe under each of `shuffles` shuffles of the labels of all trajectories:
/// `1 - sum (y - f)^2 / sum (y - mean of train)^2`, which is 0 for whoever always predicts the mean of train.
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
    let labels = Shuffler::of(&[train, valid, test]);
    let parameters = train.parameters();
    let mut r2 = Vec::with_capacity(shuffles);
    for shuffle in 0..shuffles as u64 {
        let shuffled = labels.shuffled(&mut Rng::new(seed, "shuffled labels", shuffle));
        let [seen, chosen_by, truth] = [train, valid, test].map(|split| shuffled.of(split));
        let ridge = basis.fit(&seen, &chosen_by, parameters);
        let predicted = ridge.predict(test)?;
        let explained = |parameter: usize| {
            let column = |values: &[f32]| -> Vec<f64> {
                values.iter().skip(parameter).step_by(parameters).map(|&value| f64::from(value)).collect()
            };
            let (seen, truth, predicted) = (column(&seen), column(&truth), column(&predicted));
            let mean = seen.iter().sum::<f64>() / seen.len() as f64;
            let error: f64 = truth.iter().zip(&predicted).map(|(y, f)| (y - f).powi(2)).sum();
            let spread: f64 = truth.iter().map(|y| (y - mean).powi(2)).sum();
            (spread > 0.0).then(|| 1.0 - error / spread)
        };
        let all: Option<f64> = (0..parameters).map(explained).sum();
        r2.extend(all.map(|sum| sum / parameters as f64));
    }
    Ok(r2)
}

/// The labels of all trajectories.
struct Shuffler<'a> {
    trajectories: Vec<u32>,
    labels: Vec<&'a [f32]>,
}

impl<'a> Shuffler<'a> {
    fn of(splits: &[&'a Split]) -> Self {
        let mut all: BTreeMap<u32, &[f32]> = BTreeMap::new();
        for split in splits {
            let labels = split.labels();
            for (row, &trajectory) in labels.values.chunks_exact(labels.names.len()).zip(&labels.trajectory) {
                all.entry(trajectory).or_insert(row);
            }
        }
        Self { trajectories: all.keys().copied().collect(), labels: all.into_values().collect() }
    }

    /// The same trajectories with each other's labels.
    fn shuffled(&self, rng: &mut Rng) -> Shuffled<'a> {
        let order = rng.permutation(self.labels.len());
        let other = |place: &u32| self.labels[*place as usize];
        Shuffled(self.trajectories.iter().copied().zip(order.iter().map(other)).collect())
    }
}

/// The labels that each trajectory has under a shuffle.
struct Shuffled<'a>(BTreeMap<u32, &'a [f32]>);

impl Shuffled<'_> {
    /// Those of a split's windows, `(N, P)`.
    fn of(&self, split: &Split) -> Vec<f32> {
        split.labels().trajectory.iter().flat_map(|trajectory| self.0[trajectory]).copied().collect()
    }
}
