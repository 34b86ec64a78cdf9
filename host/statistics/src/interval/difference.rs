//! The difference of two means.

use super::interval::Interval;

/// The difference of two means over the same units: trajectories, or seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The first mean minus the second.
    pub mean: f64,
    /// Its interval.
    pub interval: Interval,
    /// The two-sided p-value of no difference. It is below 0.05 where the interval excludes 0.
    pub p: f64,
}

/// The interval of the difference of two independent means, the first minus the second, from each mean and its interval: the limits lie
/// from the difference by the root of the sum of the squares of the two distances that add up in their direction (Zou and Donner
/// 2008, *Construction of confidence limits about effect measures*, Statistics in Medicine 27).
pub fn difference_of_independent(a: (f64, Interval), b: (f64, Interval)) -> Interval {
    let ((a, of_a), (b, of_b)) = (a, b);
    Interval { low: a - b - (a - of_a.low).hypot(of_b.high - b), high: a - b + (of_a.high - a).hypot(b - of_b.low) }
}
