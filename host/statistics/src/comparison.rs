//! Whether two methods differ.

use crate::{
    bootstrap::{Difference, Resampler},
    interval::Interval,
    student::{mean, t_interval},
};

/// The errors of one method on the test trajectories, for each seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Errors {
    /// Each seed, and the mean error of each trajectory.
    pub seeds: Vec<(u64, Vec<f64>)>,
    /// The weight of each trajectory: its number of windows.
    pub weights: Vec<f64>,
}

/// The difference of two methods, with two intervals: how it varies over trajectories for these networks, and how it varies over
/// networks (seeds) for these trajectories. A difference is significant only if both intervals exclude zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The mean error of the first minus that of the second.
    pub difference: f64,
    /// The paired bootstrap over trajectories, of errors averaged over seeds.
    pub over_trajectories: Option<Difference>,
    /// The t interval of the differences of the seeds that both have; none for fewer than two.
    pub over_seeds: Option<Interval>,
}

impl Errors {
    /// The error of each trajectory, averaged over seeds; none if there are no seeds or they differ in their trajectories.
    pub fn by_trajectory(&self) -> Option<Vec<f64>> {
        let count = self.seeds.len() as f64;
        let n = self.weights.len();
        if self.seeds.is_empty() || self.seeds.iter().any(|(_, errors)| errors.len() != n) {
            return None;
        }
        Some((0..n).map(|t| self.seeds.iter().map(|(_, errors)| errors[t]).sum::<f64>() / count).collect())
    }

    /// The mean error of each seed over windows.
    pub fn by_seed(&self) -> Vec<(u64, f64)> {
        let total: f64 = self.weights.iter().sum();
        let mean = |errors: &[f64]| errors.iter().zip(&self.weights).map(|(e, w)| e * w).sum::<f64>() / total;
        self.seeds.iter().map(|(seed, errors)| (*seed, mean(errors))).collect()
    }

    /// The mean error over windows and seeds; none if there are no seeds.
    pub fn mean(&self) -> Option<f64> {
        let means: Vec<f64> = self.by_seed().into_iter().map(|(_, mean)| mean).collect();
        mean(&means)
    }
}

impl Comparison {
    /// Whether the two differ: the interval over trajectories exists and excludes zero, and so does that over seeds if there is one.
    pub fn is_significant(&self) -> bool {
        let over_seeds = self.over_seeds.is_none_or(|interval| !interval.contains(0.0));
        self.over_trajectories.is_some_and(|difference| difference.is_significant()) && over_seeds
    }
}

/// The difference of two methods on the same trajectories, which `resampler` draws. None if either has no errors, or if their
/// trajectories differ.
pub fn compare(a: &Errors, b: &Errors, resampler: &Resampler) -> Option<Comparison> {
    if a.weights != b.weights {
        return None;
    }
    let difference = a.mean()? - b.mean()?;
    let over_trajectories = resampler.paired(&a.by_trajectory()?, &b.by_trajectory()?, &a.weights);
    let others = b.by_seed();
    let by_seed: Vec<f64> = a
        .by_seed()
        .into_iter()
        .filter_map(|(seed, error)| others.iter().find(|(other, _)| *other == seed).map(|(_, other)| error - other))
        .collect();
    Some(Comparison { difference, over_trajectories, over_seeds: t_interval(&by_seed) })
}
