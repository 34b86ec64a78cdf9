//! Scores predictions against labels, per window and per trajectory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    labels::Labels,
};

/// Scores of one split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// One entry per parameter, in the labels' order.
    pub parameters: Vec<ParameterScore>,
    /// Mean over parameters of the mean squared error, as in the paper's table.
    pub mse: f64,
    /// Mean over parameters of R2; none if it is undefined for one of them.
    pub r2: Option<f64>,
}

/// Scores of one parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParameterScore {
    /// The parameter's name.
    pub name: String,
    /// Mean squared error on the z-scored scale of the suite, so that predicting the mean of the distribution scores 1.0.
    pub mse: f64,
    /// Coefficient of determination `1 - sum (y - f)^2 / sum (y - mean y)^2` with the mean of *this split's own* labels; none if
    /// they are all equal. Negative where the predictions are worse than that mean.
    pub r2: Option<f64>,
}

/// Mean squared error and R2 of `predictions`, `(N, P)` row-major, for each parameter and averaged over parameters.
///
/// # Errors
/// If there is nothing to score or the number of predictions is not that of the labels.
pub fn scores(predictions: &[f32], labels: &Labels) -> Result<Scores> {
    check(predictions, labels)?;
    let parameters: Vec<_> = labels
        .names
        .iter()
        .enumerate()
        .map(|(column, name)| parameter_score(name, column, predictions, labels))
        .collect();
    let count = parameters.len() as f64;
    let mse = parameters.iter().map(|score| score.mse).sum::<f64>() / count;
    let r2 = parameters.iter().map(|score| score.r2).sum::<Option<f64>>().map(|sum| sum / count);
    Ok(Scores { parameters, mse, r2 })
}

fn parameter_score(name: &str, column: usize, predictions: &[f32], labels: &Labels) -> ParameterScore {
    let (width, n) = (labels.names.len(), labels.n() as f64);
    let truth = || labels.values.iter().skip(column).step_by(width).map(|&value| f64::from(value));
    let predicted = predictions.iter().skip(column).step_by(width).map(|&value| f64::from(value));
    let error: f64 = truth().zip(predicted).map(|(y, f)| (y - f).powi(2)).sum();
    let mean = truth().sum::<f64>() / n;
    let spread: f64 = truth().map(|y| (y - mean).powi(2)).sum();
    // Compare the labels themselves: `spread` of equal labels may differ from zero by round-off.
    let first = labels.values[column];
    let varies = labels.values.iter().skip(column).step_by(width).any(|&value| value != first);
    ParameterScore { name: name.to_owned(), mse: error / n, r2: varies.then(|| 1.0 - error / spread) }
}

/// One prediction per trajectory, the mean over its windows, `(trajectories, P)`, and the labels of the trajectories, both ordered
/// by trajectory index.
///
/// # Errors
/// As [`scores`], and if the windows of one trajectory carry different labels.
pub fn per_trajectory(predictions: &[f32], labels: &Labels) -> Result<(Vec<f32>, Labels)> {
    check(predictions, labels)?;
    let (means, groups) = (mean_over_trajectories(predictions, labels), windows_by_trajectory(labels));
    let width = labels.names.len();
    let mut values = Vec::with_capacity(means.len());
    for (&trajectory, windows) in &groups {
        for (column, name) in labels.names.iter().enumerate() {
            let label = |window: usize| labels.values[window * width + column];
            let first = label(windows[0]);
            if let Some(&window) = windows.iter().find(|&&window| label(window) != first) {
                let (parameter, other) = (name.clone(), label(window));
                return Err(Error::LabelVaries { trajectory, parameter, first, other });
            }
            values.push(first);
        }
    }
    let trajectory = groups.into_keys().collect();
    Ok((means, Labels { values, names: labels.names.clone(), trajectory }))
}

/// The mean of `values`, `(N, P)` in the order of the labels' windows, over the windows of each trajectory: `(trajectories, P)`,
/// ordered by trajectory index.
pub fn mean_over_trajectories(values: &[f32], labels: &Labels) -> Vec<f32> {
    let width = labels.names.len();
    let mean = |windows: &[usize], column: usize| {
        let sum: f64 = windows.iter().map(|&window| f64::from(values[window * width + column])).sum();
        (sum / windows.len() as f64) as f32
    };
    let groups = windows_by_trajectory(labels);
    groups.values().flat_map(|windows| (0..width).map(|column| mean(windows, column)).collect::<Vec<_>>()).collect()
}

/// The windows of each trajectory.
fn windows_by_trajectory(labels: &Labels) -> BTreeMap<u32, Vec<usize>> {
    let mut groups: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (window, &trajectory) in labels.trajectory.iter().enumerate() {
        groups.entry(trajectory).or_default().push(window);
    }
    groups
}

fn check(predictions: &[f32], labels: &Labels) -> Result<()> {
    let mismatch = |what, expected, found| Err(Error::Shape { what, expected, found });
    let (n, parameters) = (labels.n(), labels.names.len());
    if n == 0 || parameters == 0 {
        return mismatch("windows x parameters", "at least one".into(), 0);
    }
    let expected = format!("N x parameters = {n} x {parameters}");
    if labels.values.len() != n * parameters {
        return mismatch("number of labels", expected, labels.values.len());
    }
    if predictions.len() != n * parameters {
        return mismatch("number of predictions", expected, predictions.len());
    }
    Ok(())
}
