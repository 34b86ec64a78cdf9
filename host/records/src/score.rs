//! Scores of probes, and what the probes selected.

use std::fmt;

use physrep_benchmarks::{Regime, Split};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::device::Device;

/// What is trained on labels. Tables never mix the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Track {
    /// The probe alone; the encoder is frozen.
    Frozen,
    /// Encoder and probe together.
    EndToEnd,
}

impl Track {
    /// Both, in the order of tables.
    pub const ALL: [Self; 2] = [Self::Frozen, Self::EndToEnd];
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Frozen => "frozen",
            Self::EndToEnd => "end-to-end",
        })
    }
}

/// The score of one probe, fitted on a fraction of the labels, on one split. A probe that starts from random weights is fitted several
/// times: all metrics, predictions and errors are means over the fits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeScore {
    /// What was trained on labels.
    pub track: Track,
    /// The probe.
    pub probe: String,
    /// The fraction of the trajectories of train and of valid whose labels the probe saw, in (0, 1].
    pub label_fraction: f64,
    /// The split: valid (on which the probe selected), test, or held-out.
    pub split: Split,
    /// The regime of held-out trajectories that is scored; regimes are never averaged. None for any other split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regime: Option<Regime>,
    /// One entry per parameter, in the order of the labels.
    pub parameters: Vec<ParameterResult>,
    /// The mean over parameters of each metric.
    pub mean: Metrics,
    /// The mean squared error over windows and parameters of each fit, if there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fits: Vec<f64>,
}

impl ProbeScore {
    /// The mean of the scores of several fits of one probe; none if there are none.
    pub fn mean_of_fits(fits: Vec<Self>) -> Option<Self> {
        let count = fits.len();
        let mse: Vec<f64> = fits.iter().map(|fit| fit.mean.mse).collect();
        let mut sum = fits.into_iter().reduce(|mut sum, fit| {
            sum.mean.add(fit.mean);
            for (sum, fit) in sum.parameters.iter_mut().zip(fit.parameters) {
                sum.metrics.add(fit.metrics);
                sum.predicted.iter_mut().zip(fit.predicted).for_each(|(sum, value)| *sum += value);
                sum.squared_error.iter_mut().zip(fit.squared_error).for_each(|(sum, value)| *sum += value);
            }
            sum
        })?;
        if count > 1 {
            sum.mean.divide(count);
            for parameter in &mut sum.parameters {
                parameter.metrics.divide(count);
                let values = parameter.predicted.iter_mut().chain(&mut parameter.squared_error);
                values.for_each(|value| *value /= count as f32);
            }
            sum.fits = mse;
        }
        Some(sum)
    }
}

/// The predictions of one parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ParameterResult {
    /// The parameter.
    pub name: String,
    /// The errors of the predictions.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// For each trajectory of the split, the mean predicted label over its windows.
    pub predicted: Vec<f32>,
    /// For each trajectory of the split, the mean squared error over its windows.
    pub squared_error: Vec<f32>,
}

/// Errors of predictions. Labels are scaled, so that always predicting the mean has a mean squared error of 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metrics {
    /// Mean squared error over windows.
    pub mse: f64,
    /// Coefficient of determination over windows, against the split's own mean; none if its labels are all equal.
    pub r2: Option<f64>,
    /// Mean squared error over trajectories of the predictions averaged over each trajectory's windows.
    pub trajectory_mse: f64,
    /// Coefficient of determination over trajectories.
    pub trajectory_r2: Option<f64>,
}

impl Metrics {
    fn add(&mut self, other: Self) {
        let sum = |a: Option<f64>, b: Option<f64>| Some(a? + b?);
        self.mse += other.mse;
        self.r2 = sum(self.r2, other.r2);
        self.trajectory_mse += other.trajectory_mse;
        self.trajectory_r2 = sum(self.trajectory_r2, other.trajectory_r2);
    }

    fn divide(&mut self, count: usize) {
        let count = count as f64;
        self.mse /= count;
        self.r2 = self.r2.map(|r2| r2 / count);
        self.trajectory_mse /= count;
        self.trajectory_r2 = self.trajectory_r2.map(|r2| r2 / count);
    }
}

/// What a probe selected on the valid split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Selection {
    /// What was trained on labels.
    pub track: Track,
    /// The probe.
    pub probe: String,
    /// The fraction of the labels, as in [`ProbeScore::label_fraction`].
    pub label_fraction: f64,
    /// Which of the probe's fits, from 0.
    #[serde(default)]
    pub fit: u64,
    /// Where the probe was fitted; absent for the CPU.
    #[serde(default, skip_serializing_if = "Device::is_cpu")]
    pub device: Device,
    /// The selected setting, such as a penalty or an epoch, and the errors of all candidates.
    pub record: Value,
}
