//! Scores of probes, and what the probes selected.

use std::fmt;

use physrep_benchmarks::Split;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// Whether the parameters of a held-out trajectory are inside the range of those of train.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Regime {
    /// Inside the range.
    Interpolation,
    /// Outside the range.
    Extrapolation,
}

/// The score of one probe, fitted on a fraction of the labels, on one split.
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
    /// The part of a held-out split that is scored; none for all of a split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regime: Option<Regime>,
    /// One entry per parameter, in the order of the labels.
    pub parameters: Vec<ParameterResult>,
    /// The mean over parameters of each metric.
    pub mean: Metrics,
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

/// What a probe selected on the valid split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Selection {
    /// What was trained on labels.
    pub track: Track,
    /// The probe.
    pub probe: String,
    /// The fraction of the labels, as in [`ProbeScore::label_fraction`].
    pub label_fraction: f64,
    /// The selected setting, such as a penalty or an epoch, and the errors of all candidates.
    pub record: Value,
}
