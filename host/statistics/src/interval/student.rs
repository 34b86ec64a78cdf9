//! Means over seeds, and Student's t.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{
    difference::Difference,
    interval::{Interval, LEVEL},
};

/// The mean; none of no values.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The standard deviation, with `n - 1`; none for fewer than two values.
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    Some((squares / (values.len() as f64 - 1.0)).sqrt())
}

/// The interval of the mean of independent, nearly normal values, such as the scores of several seeds: `mean +- t s / sqrt(n)`
/// with the quantile of Student's t distribution with `n - 1` degrees of freedom. None for fewer than two values, or if one is not
/// finite.
pub fn t_interval(values: &[f64]) -> Option<Interval> {
    if values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let mean = mean(values)?;
    let half = t_quantile(0.5 + LEVEL / 2.0, values.len() - 1)? * standard_error(values)?;
    Some(Interval { low: mean - half, high: mean + half })
}

/// The mean of paired differences, with its t interval and the p-value of the paired t test. None in the same cases as
/// [`t_interval`].
pub fn t_test(differences: &[f64]) -> Option<Difference> {
    let interval = t_interval(differences)?;
    let (mean, error) = (mean(differences)?, standard_error(differences)?);
    let t = if mean == 0.0 { 0.0 } else { mean / error };
    Some(Difference { mean, interval, p: two_sided(t, differences.len() - 1)? })
}

/// The standard error of the mean.
fn standard_error(values: &[f64]) -> Option<f64> {
    Some(standard_deviation(values)? / (values.len() as f64).sqrt())
}

/// The probability that Student's t is at least as far from 0 as `t`. None for zero degrees of freedom.
pub(crate) fn two_sided(t: f64, degrees_of_freedom: usize) -> Option<f64> {
    let distribution = StudentsT::new(0.0, 1.0, degrees_of_freedom as f64).ok()?;
    Some(2.0 * distribution.cdf(-t.abs()))
}

/// The quantile of Student's t distribution at `probability`. None for zero degrees of freedom.
pub fn t_quantile(probability: f64, degrees_of_freedom: usize) -> Option<f64> {
    let distribution = StudentsT::new(0.0, 1.0, degrees_of_freedom as f64).ok()?;
    Some(distribution.inverse_cdf(probability))
}
