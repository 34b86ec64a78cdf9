//! The score of a probe on a split, from its predictions.

use physrep_benchmarks::Split;
use physrep_records::{Metrics, ParameterResult, ProbeScore, Track};
use physrep_statistics::{Labels, mean_over_trajectories, per_trajectory, scores};

use crate::error::Result;

/// The score of `predictions`, `(N, P)`, of a split, over windows and over trajectories.
pub(super) fn probe_score(
    track: Track,
    probe: &str,
    label_fraction: f64,
    split: Split,
    predictions: &[f32],
    labels: &Labels,
) -> Result<ProbeScore> {
    let windows = scores(predictions, labels)?;
    let (means, truth) = per_trajectory(predictions, labels)?;
    let trajectories = scores(&means, &truth)?;
    let errors: Vec<f32> = predictions.iter().zip(&labels.values).map(|(f, y)| (f - y).powi(2)).collect();
    let errors = mean_over_trajectories(&errors, labels);
    let both = windows.parameters.iter().zip(&trajectories.parameters).enumerate();
    let parameters = both.map(|(index, (window, trajectory))| ParameterResult {
        name: window.name.clone(),
        metrics: Metrics {
            mse: window.mse,
            r2: window.r2,
            trajectory_mse: trajectory.mse,
            trajectory_r2: trajectory.r2,
        },
        predicted: column(&means, index, labels.names.len()),
        squared_error: column(&errors, index, labels.names.len()),
    });
    Ok(ProbeScore {
        track,
        probe: probe.to_owned(),
        label_fraction,
        split,
        regime: None,
        parameters: parameters.collect(),
        mean: Metrics {
            mse: windows.mse,
            r2: windows.r2,
            trajectory_mse: trajectories.mse,
            trajectory_r2: trajectories.r2,
        },
    })
}

/// The column of one of the P `parameters` in `values`, `(N, P)`.
pub(super) fn column(values: &[f32], parameter: usize, parameters: usize) -> Vec<f32> {
    values.iter().skip(parameter).step_by(parameters).copied().collect()
}
