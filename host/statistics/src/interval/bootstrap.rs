//! The bootstrap over test trajectories.
//!
//! The statistic is a mean over windows, `sum(w e) / sum(w)`, with `e` the mean error of each trajectory and `w` its number of
//! windows. Trajectories are drawn with replacement, and the interval ends at two quantiles of the statistic over the draws. With
//! few trajectories the plain percentile bootstrap is too narrow; the expanded percentile bootstrap takes the quantiles at
//! `Phi(-+ sqrt(n / (n - 1)) t)`, with the quantile `t` of Student's distribution with `n - 1` degrees of freedom
//! (Hesterberg 2015, *What Teachers Should Know About the Bootstrap*, The American Statistician 69(4), section 3.3).
//!
//! The p-value of a difference is 1 minus the level of the widest interval that excludes 0: the share of draws on the other side
//! of 0, turned into a probability of Student's distribution by the same relation, times two. One draw is added to that side,
//! so that no p-value is 0 (Davison and Hinkley 1997, *Bootstrap Methods and their Application*, section 4.2).

use physrep_random::Stream;
use statrs::distribution::{ContinuousCDF, Normal};

use super::{
    difference::Difference,
    interval::{Interval, LEVEL},
    student::{t_quantile, two_sided},
};

/// Draws per interval.
pub const RESAMPLES: usize = 10_000;

/// Draws of `n` trajectories out of `n` with replacement, the same for all rows of a table: rows are compared on the same draws.
pub struct Resampler {
    n: usize,
    /// How often each trajectory was drawn, `(resamples, n)`.
    counts: Vec<u16>,
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
        interval(&self.means(errors, weights)?, self.n)
    }

    /// The mean of `a` minus that of `b`, errors on the same trajectories, with the interval and the p-value of that difference.
    /// None in the same cases as [`interval`](Self::interval).
    pub fn paired(&self, a: &[f64], b: &[f64], weights: &[f64]) -> Option<Difference> {
        if a.len() != b.len() {
            return None;
        }
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let means = self.means(&differences, weights)?;
        Some(Difference {
            mean: mean(&differences, weights, &vec![1; self.n]),
            interval: interval(&means, self.n)?,
            p: p_value(&means, self.n)?,
        })
    }

    /// The mean of each draw, ascending.
    fn means(&self, errors: &[f64], weights: &[f64]) -> Option<Vec<f64>> {
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
        Some(means)
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

/// The interval of the means of draws of `n`, ascending.
fn interval(means: &[f64], n: usize) -> Option<Interval> {
    let t = t_quantile(0.5 + LEVEL / 2.0, n - 1)?;
    let below = Normal::standard().cdf(-t * stretch(n));
    Some(Interval { low: quantile(means, below), high: quantile(means, 1.0 - below) })
}

/// The two-sided p-value of a mean of 0, from the means of draws of `n`, ascending.
fn p_value(means: &[f64], n: usize) -> Option<f64> {
    let not_above = means.partition_point(|mean| *mean <= 0.0);
    let not_below = means.len() - means.partition_point(|mean| *mean < 0.0);
    let beyond = (not_above.min(not_below) + 1) as f64 / (means.len() + 1) as f64;
    let z = Normal::standard().inverse_cdf(beyond.min(0.5));
    two_sided(z / stretch(n), n - 1)
}

/// How much further out the expanded percentile bootstrap takes its quantiles than the percentile bootstrap.
fn stretch(n: usize) -> f64 {
    (n as f64 / (n as f64 - 1.0)).sqrt()
}

/// The quantile of sorted values, linear between neighbours.
fn quantile(sorted: &[f64], probability: f64) -> f64 {
    let position = probability * (sorted.len() - 1) as f64;
    let (below, rest) = (position.floor() as usize, position.fract());
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + rest * (sorted[above] - sorted[below])
}
