//! The budgets of the probes, and what they choose from; the same for every method.

use serde::{Deserialize, Serialize};

use super::checks::{count, distinct, positive};
use super::training_budget::TrainingBudget;

/// The budget of each probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeBudgets {
    /// The fractions of the training trajectories, and of the valid ones, whose labels probes see: each probe is fitted
    /// on each, and scored on all of test. The trajectories of a smaller fraction are among those of a larger one.
    #[serde(default = "all_labels")]
    pub label_fractions: Vec<f64>,
    /// How often a probe that starts from random weights is fitted; its score is the mean over the fits.
    #[serde(default = "three")]
    pub fits: u64,
    /// The attentive probe.
    pub attentive: TrainingBudget,
    /// The multilayer perceptron on mean-pooled tokens.
    #[serde(default)]
    pub mlp: MlpBudget,
    /// Ridge regression on mean-pooled tokens.
    #[serde(default)]
    pub ridge: RidgeGrid,
    /// Nearest neighbours of mean-pooled tokens.
    #[serde(default)]
    pub knn: KnnGrid,
}

fn all_labels() -> Vec<f64> {
    vec![1.0]
}

fn three() -> u64 {
    3
}

/// The perceptron of one hidden layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MlpBudget {
    /// Width of the hidden layer.
    pub hidden: usize,
    /// Passes over the training windows.
    pub epochs: usize,
    /// Windows of one optimizer step.
    pub batch: usize,
    /// AdamW's learning rate at the start of the cosine schedule.
    pub lr: f64,
    /// AdamW's decoupled weight decay.
    pub weight_decay: f64,
}

impl Default for MlpBudget {
    fn default() -> Self {
        Self { hidden: 256, epochs: 100, batch: 32, lr: 1e-3, weight_decay: 0.01 }
    }
}

/// The penalties that ridge regression chooses from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RidgeGrid {
    /// Multiples of the number of training windows; by default half-decades from 1e-8 to 1e4.
    pub penalties: Vec<f64>,
}

impl Default for RidgeGrid {
    fn default() -> Self {
        Self { penalties: (-16..=8).map(|half_decade| 10f64.powf(f64::from(half_decade) / 2.0)).collect() }
    }
}

/// What the nearest-neighbour probe chooses from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KnnGrid {
    /// Numbers of neighbours.
    pub neighbours: Vec<usize>,
}

impl Default for KnnGrid {
    fn default() -> Self {
        Self { neighbours: vec![1, 2, 5, 10, 20, 50, 100] }
    }
}

impl ProbeBudgets {
    pub(super) fn check(&self) -> Result<(), String> {
        count("number of `probe.label_fractions`", self.label_fractions.len(), 100)?;
        distinct("probe.label_fractions", self.label_fractions.iter())?;
        if let Some(wrong) = self.label_fractions.iter().find(|fraction| !(**fraction > 0.0 && **fraction <= 1.0)) {
            return Err(format!("`probe.label_fractions` must be above 0 and at most 1, but one is {wrong}"));
        }
        if !self.label_fractions.contains(&1.0) {
            return Err(format!("`probe.label_fractions` must have 1, all labels, but are {:?}", self.label_fractions));
        }
        count("probe.fits", self.fits, 1000)?;
        self.attentive.check("probe.attentive")?;
        let MlpBudget { hidden, epochs, batch, lr, weight_decay } = self.mlp;
        count("probe.mlp.hidden", hidden, 65_536)?;
        TrainingBudget { epochs, batch, lr, weight_decay }.check("probe.mlp")?;
        count("number of `probe.ridge.penalties`", self.ridge.penalties.len(), 1000)?;
        self.ridge.penalties.iter().try_for_each(|&penalty| positive("probe.ridge.penalties", penalty))?;
        count("number of `probe.knn.neighbours`", self.knn.neighbours.len(), 1000)?;
        self.knn.neighbours.iter().try_for_each(|&k| count("each of `probe.knn.neighbours`", k, 1_000_000))
    }
}
