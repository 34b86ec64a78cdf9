//! The score of a probe on a split, from its predictions.

use physrep_benchmarks::{Regime, Split, packed::Packed};
use physrep_records::{Metrics, ParameterResult, ProbeScore, Track};
use physrep_statistics::{Labels, mean_over_trajectories, per_trajectory, scores};

use crate::error::Result;

/// A probe that was fitted, once or several times, on a fraction of the labels.
#[derive(Clone, Copy)]
pub(super) struct Fitted<'a> {
    pub(super) track: Track,
    pub(super) probe: &'a str,
    pub(super) label_fraction: f64,
}

impl Fitted<'_> {
    /// The score of a split of `data`, given the predictions of each fit, `(N, P)`; of held-out, one for each regime.
    pub(super) fn scores(
        self,
        data: &Packed,
        split: Split,
        predictions: &[Vec<f32>],
        labels: &Labels,
    ) -> Result<Vec<ProbeScore>> {
        let regimes: Vec<_> = match split {
            Split::HeldOut => Regime::ALL.into_iter().filter(|&regime| occurs(data, regime)).map(Some).collect(),
            _ => vec![None],
        };
        let mut scores = Vec::new();
        for regime in regimes {
            let of_fit = |predictions: &Vec<f32>| match regime {
                None => self.score(split, None, predictions, labels),
                Some(of) => {
                    let (predictions, labels) = of_regime(data, of, predictions, labels);
                    self.score(split, regime, &predictions, &labels)
                }
            };
            let fits = predictions.iter().map(of_fit).collect::<Result<Vec<_>>>()?;
            scores.extend(ProbeScore::mean_of_fits(fits));
        }
        Ok(scores)
    }

    /// The score over windows and over trajectories.
    fn score(self, split: Split, regime: Option<Regime>, predictions: &[f32], labels: &Labels) -> Result<ProbeScore> {
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
            track: self.track,
            probe: self.probe.to_owned(),
            label_fraction: self.label_fraction,
            split,
            regime,
            parameters: parameters.collect(),
            mean: Metrics {
                mse: windows.mse,
                r2: windows.r2,
                trajectory_mse: trajectories.mse,
                trajectory_r2: trajectories.r2,
            },
            fits: Vec::new(),
        })
    }
}

fn occurs(data: &Packed, regime: Regime) -> bool {
    data.header().trajectories.iter().any(|trajectory| trajectory.regime == Some(regime))
}

/// The predictions and labels of the windows of a regime.
fn of_regime(data: &Packed, regime: Regime, predictions: &[f32], labels: &Labels) -> (Vec<f32>, Labels) {
    let parameters = labels.names.len();
    let mut found = Labels { values: Vec::new(), names: labels.names.clone(), trajectory: Vec::new() };
    let mut predicted = Vec::new();
    let rows = predictions.chunks_exact(parameters).zip(labels.values.chunks_exact(parameters));
    for ((prediction, label), &trajectory) in rows.zip(&labels.trajectory) {
        if data.header().trajectories[trajectory as usize].regime == Some(regime) {
            predicted.extend_from_slice(prediction);
            found.values.extend_from_slice(label);
            found.trajectory.push(trajectory);
        }
    }
    (predicted, found)
}

/// The column of one of the P `parameters` in `values`, `(N, P)`.
pub(super) fn column(values: &[f32], parameter: usize, parameters: usize) -> Vec<f32> {
    values.iter().skip(parameter).step_by(parameters).copied().collect()
}
