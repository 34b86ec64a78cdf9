//! Mean and spread of values, computed piece by piece.

use serde::{Deserialize, Serialize};

/// Count, mean and spread of a set of values, which can be merged with those of another set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    count: f64,
    mean: f64,
    /// Sum of squared distances from the mean.
    spread: f64,
}

impl Moments {
    /// The moments of `values`, in two passes.
    pub fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (count, sum) = values.clone().fold((0.0, 0.0), |(n, s), x| (n + 1.0, s + x));
        if count == 0.0 {
            return Self::default();
        }
        let mean = sum / count;
        Self { count, mean, spread: values.map(|x| (x - mean).powi(2)).sum() }
    }

    /// The moments of the union (Chan, Golub and LeVeque 1983).
    pub fn merge(self, other: Self) -> Self {
        let count = self.count + other.count;
        if count == 0.0 {
            return self;
        }
        let apart = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + apart * other.count / count,
            spread: self.spread + other.spread + apart * apart * self.count * other.count / count,
        }
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The population standard deviation.
    pub fn std(&self) -> f64 {
        (self.spread / self.count.max(1.0)).sqrt()
    }

    /// The root of the mean square.
    pub fn rms(&self) -> f64 {
        self.mean.hypot(self.std())
    }
}
