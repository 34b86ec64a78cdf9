//! Means over seeds, and Student's t interval.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::interval::{Interval, LEVEL};

/// The mean; none of no values.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The interval of the mean of independent, nearly normal values, such as the scores of several seeds: `mean +- t s / sqrt(n)`
/// with the quantile of Student's t distribution with `n - 1` degrees of freedom. None for fewer than two values, or if one is not
/// finite.
pub fn t_interval(values: &[f64]) -> Option<Interval> {
    let n = values.len() as f64;
    if values.len() < 2 || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let mean = mean(values)?;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = t_quantile(0.5 + LEVEL / 2.0, values.len() - 1)? * (variance / n).sqrt();
    Some(Interval { low: mean - half, high: mean + half })
}

/// The quantile of Student's t distribution at `probability`. None for zero degrees of freedom.
pub fn t_quantile(probability: f64, degrees_of_freedom: usize) -> Option<f64> {
    let distribution = StudentsT::new(0.0, 1.0, degrees_of_freedom as f64).ok()?;
    Some(distribution.inverse_cdf(probability))
}
