//! The type of all intervals, and their level.

use serde::{Deserialize, Serialize};

/// The confidence level of all intervals.
pub const LEVEL: f64 = 0.95;

/// Whether a p-value, corrected for all comparisons of its family, is small enough to claim a difference: below 0.05.
pub fn is_significant(p: f64) -> bool {
    p < 1.0 - LEVEL
}

/// A closed interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether it contains `value`, ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Half its length.
    pub fn half_width(&self) -> f64 {
        (self.high - self.low) / 2.0
    }
}
