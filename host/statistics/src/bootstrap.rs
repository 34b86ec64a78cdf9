//! The bootstrap over test trajectories.
//!
//! The statistic is a mean over windows, `sum(w e) / sum(w)`, with `e` the mean error of each trajectory and `w` its number of
//! windows. Trajectories are drawn with replacement, and the interval ends at two quantiles of the statistic over the draws. With
//! few trajectories the plain percentile bootstrap is too narrow; the expanded percentile bootstrap takes the quantiles at
//! `Phi(-+ sqrt(n / (n - 1)) t)`, with the quantile `t` of Student's distribution with `n - 1` degrees of freedom
//! (Hesterberg 2015, *What Teachers Should Know About the Bootstrap*, The American Statistician 69(4), section 3.3).

use physrep_random::Stream;
use statrs::distribution::{ContinuousCDF, Normal};

use crate::{
    interval::{Interval, LEVEL},
    student::t_quantile,
};

/// Draws per interval.
pub const RESAMPLES: usize = 10_000;

/// Draws of `n` trajectories out of `n` with replacement, the same for all rows of a table: rows are compared on the same draws.
pub struct Resampler {
    n: usize,
    /// How often each trajectory was drawn, `(resamples, n)`.
    counts: Vec<u16>,
}

/// The difference of two means over the same trajectories.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The first mean minus the second.
    pub mean: f64,
    /// Its interval.
    pub interval: Interval,
}

impl Difference {
    /// Whether the interval excludes 0.
    pub fn is_significant(&self) -> bool {
        !self.interval.contains(0.0)
    }
}

impl Resampler {
    /// [`RESAMPLES`] draws of `n` trajectories.
    pub fn new(n: usize, seed: u64) -> Self {
        Self::with(RESAMPLES, n, seed)
    }

    /// `resamples` draws of `n` trajectories.
    pub fn with(resamples: usize, n: usize, seed: u64) -> Self {
        let mut counts = vec![0u16; resamples * n];
        if n > 0 {
            for (draw, counts) in counts.chunks_exact_mut(n).enumerate() {
                let mut rng = Stream::new(seed, "bootstrap", draw as u64);
                for _ in 0..n {
                    let drawn = &mut counts[rng.below(n)];
                    *drawn = drawn.saturating_add(1);
                }
            }
        }
        Self { n, counts }
    }

    /// The interval of the mean of `errors`, `(n)`, weighted by `weights`, `(n)`. None for fewer than two trajectories, if a length
    /// is not `n`, if a value is not finite, or if a weight is not positive.
    pub fn interval(&self, errors: &[f64], weights: &[f64]) -> Option<Interval> {
        let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
        let weighted = weights.iter().all(|&weight| weight > 0.0);
        if self.n < 2 || errors.len() != self.n || weights.len() != self.n {
            return None;
        }
        if !finite(errors) || !finite(weights) || !weighted {
            return None;
        }
        let mut means: Vec<f64> =
            self.counts.chunks_exact(self.n).map(|counts| mean(errors, weights, counts)).collect();
        means.sort_unstable_by(f64::total_cmp);
        let below = lower_tail(self.n)?;
        Some(Interval { low: quantile(&means, below), high: quantile(&means, 1.0 - below) })
    }

    /// The mean of `a` minus that of `b`, errors on the same trajectories, and the interval of that difference. None in the same
    /// cases as [`interval`](Self::interval).
    pub fn paired(&self, a: &[f64], b: &[f64], weights: &[f64]) -> Option<Difference> {
        if a.len() != b.len() {
            return None;
        }
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let interval = self.interval(&differences, weights)?;
        Some(Difference { mean: mean(&differences, weights, &vec![1; self.n]), interval })
    }
}

/// The weighted mean of a draw.
fn mean(errors: &[f64], weights: &[f64], counts: &[u16]) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for ((error, weight), &count) in errors.iter().zip(weights).zip(counts) {
        let weight = weight * f64::from(count);
        sum += weight * error;
        total += weight;
    }
    sum / total
}

/// The fraction of draws below the interval, by the expanded percentile bootstrap.
fn lower_tail(n: usize) -> Option<f64> {
    let t = t_quantile(0.5 + LEVEL / 2.0, n - 1)?;
    let stretched = t * (n as f64 / (n as f64 - 1.0)).sqrt();
    Some(Normal::standard().cdf(-stretched))
}

/// The quantile of sorted values, linear between neighbours.
fn quantile(sorted: &[f64], probability: f64) -> f64 {
    let position = probability * (sorted.len() - 1) as f64;
    let (below, rest) = (position.floor() as usize, position.fract());
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + rest * (sorted[above] - sorted[below])
}
