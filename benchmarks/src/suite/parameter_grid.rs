//! The values of a physical parameter, and how they become labels.

use serde::{Deserialize, Serialize};

use super::checks::{at_least_one, finite_and_distinct, plain_name};
use crate::labels::{Scale, Scaling};

/// The values of one physical parameter, and how it becomes a label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterGrid {
    /// The parameter's name.
    pub name: String,
    /// Its values in train, valid and test.
    pub values: Vec<f64>,
    /// Values that only the held-out split has, alone or together with `values` of other parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_out: Vec<f64>,
    /// Whether the label is the value or its logarithm.
    #[serde(default)]
    pub scale: Scale,
    /// Mean of the label's scaling; that of `values` when left out, together with `std`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Standard deviation of the label's scaling; the population value of `values` when left out, together with `mean`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub std: Option<f64>,
}

impl ParameterGrid {
    /// All its values, those of the held-out split last.
    pub fn all(&self) -> Vec<f64> {
        [self.values.as_slice(), &self.held_out].concat()
    }

    /// How this parameter becomes a label.
    pub fn scaling(&self) -> Scaling {
        match (self.mean, self.std) {
            (Some(mean), Some(std)) => Scaling { name: self.name.clone(), scale: self.scale, mean, std },
            _ => Scaling::over(&self.name, self.scale, &self.values),
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        plain_name("name", &self.name.to_lowercase())?;
        at_least_one("number of `values`", self.values.len())?;
        finite_and_distinct("values", &self.all())?;
        self.scale.check(&self.all())?;
        match (self.mean, self.std) {
            (None, None) if self.values.len() < 2 => {
                Err("needs two `values` at least, or a `mean` and `std`: one value alone has no spread".into())
            }
            (None, None) => Ok(()),
            (Some(mean), Some(std)) if mean.is_finite() && std.is_finite() && std > 0.0 => Ok(()),
            (Some(mean), Some(std)) => {
                Err(format!("`mean` and `std` must be finite and `std` positive, but are {mean} and {std}"))
            }
            _ => Err("give both `mean` and `std`, or neither to take them from the grid".into()),
        }
    }
}
