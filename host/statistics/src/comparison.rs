//! Whether two methods differ.

use crate::interval::{
    bootstrap::Resampler,
    difference::Difference,
    student::{mean, t_test},
};

/// The errors of one method on the test trajectories, for each seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Errors {
    /// Each seed, and the mean error of each trajectory.
    pub seeds: Vec<(u64, Vec<f64>)>,
    /// The weight of each trajectory: its number of windows.
    pub weights: Vec<f64>,
}

/// The difference of two methods, tested twice: as it varies over trajectories for these networks, and as it varies over networks
/// (seeds) for these trajectories. A difference counts only if it is significant in both.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The mean error of the first minus that of the second.
    pub difference: f64,
    /// The paired bootstrap over trajectories, of errors averaged over seeds.
    pub over_trajectories: Option<Difference>,
    /// The paired t test of the seeds that both have; none for fewer than two.
    pub over_seeds: Option<Difference>,
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
    /// The p-value of no difference: the larger one of those over trajectories and over seeds. None without a test over
    /// trajectories.
    pub fn p(&self) -> Option<f64> {
        Some(self.over_seeds.map_or(0.0, |test| test.p).max(self.over_trajectories?.p))
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
    Some(Comparison { difference, over_trajectories, over_seeds: t_test(&by_seed) })
}
