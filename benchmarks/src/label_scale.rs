//! The scaling of physical parameters into labels.
//!
//! Labels have mean 0 and variance 1 over the distribution of train, some after a base-10 logarithm, so that always
//! predicting the mean scores a mean squared error of 1 (arXiv:2603.13227 and its released code).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a label is the parameter itself or its base-10 logarithm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// The value itself.
    #[default]
    Linear,
    /// The base-10 logarithm of the value.
    Log10,
}

impl Scale {
    /// The scaled value.
    pub fn apply(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log10 => value.log10(),
        }
    }

    /// The value whose scaled value this is.
    pub fn invert(self, scaled: f64) -> f64 {
        match self {
            Self::Linear => scaled,
            Self::Log10 => 10f64.powf(scaled),
        }
    }

    /// What it does, for readers of tables.
    pub fn formula(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Log10 => "log₁₀",
        }
    }

    /// Why one of `values` has no scaled value, if one has none.
    pub(crate) fn check(self, values: &[f64]) -> Result<(), String> {
        match self {
            Self::Log10 if values.iter().any(|&v| v <= 0.0) => {
                Err(format!("`scale = \"log10\"` needs positive values, but they are {values:?}"))
            }
            Self::Linear | Self::Log10 => Ok(()),
        }
    }
}

/// The map between a parameter's raw value and its label: `(scale(raw) - mean) / std`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scaling {
    /// The parameter's name.
    pub name: String,
    /// The scale of the raw value.
    pub scale: Scale,
    /// Mean of `scale(raw)`.
    pub mean: f64,
    /// Standard deviation of `scale(raw)`.
    pub std: f64,
}

impl Scaling {
    /// The scaling under which `values`, each as frequent as the others, have mean 0 and population variance 1.
    pub fn over(name: &str, scale: Scale, values: &[f64]) -> Self {
        let values: Vec<f64> = values.iter().map(|&v| scale.apply(v)).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        Self { name: name.into(), scale, mean, std: variance.sqrt() }
    }

    /// The label of a raw value.
    pub fn label(&self, raw: f64) -> f64 {
        (self.scale.apply(raw) - self.mean) / self.std
    }

    /// The raw value that a label stands for.
    pub fn raw(&self, label: f64) -> f64 {
        self.scale.invert(label * self.std + self.mean)
    }
}
