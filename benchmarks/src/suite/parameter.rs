//! A physical parameter: the values that it takes, and how it becomes a label.

use serde::{Deserialize, Serialize};

use super::checks::{at_least_one, finite_and_distinct, is_finite, plain_name};
use crate::label_scale::{Scale, Scaling};

/// A physical parameter of a system: the values that it takes, and how it becomes a label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// The parameter's name.
    pub name: String,
    /// Its values in published data, each as frequent as the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<f64>,
    /// The ends of its range in train, valid and test of generated data. Values are uniform on its `scale` between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
    /// The scale on which it is drawn, and becomes a label.
    #[serde(default)]
    pub scale: Scale,
    /// Mean of the label's scaling; that of the distribution when left out, together with `std`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Standard deviation of the label's scaling; that of the distribution when left out, together with `mean`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub std: Option<f64>,
}

impl Parameter {
    /// The value at `place`, 0 at the lower end of the range on its scale and 1 at the upper one, rounded to
    /// five digits.
    pub fn at(&self, place: f64) -> f64 {
        let [low, high] = self.range.unwrap_or_default().map(|end| self.scale.apply(end));
        rounded(self.scale.invert(low + place * (high - low)))
    }

    /// How this parameter becomes a label. `unit_variance` is the variance of the places of its values in its range, for
    /// generated data.
    pub(super) fn scaling(&self, unit_variance: f64) -> Scaling {
        match (self.mean, self.std, self.range) {
            (Some(mean), Some(std), _) => Scaling { name: self.name.clone(), scale: self.scale, mean, std },
            (_, _, Some(ends)) => {
                let [low, high] = ends.map(|end| self.scale.apply(end));
                let (mean, std) = (0.5 * (low + high), (high - low) * unit_variance.sqrt());
                Scaling { name: self.name.clone(), scale: self.scale, mean, std }
            }
            (_, _, None) => Scaling::over(&self.name, self.scale, &self.values),
        }
    }

    pub(super) fn check(&self, generated: bool) -> Result<(), String> {
        plain_name("name", &self.name)?;
        match (self.range, generated) {
            (Some([low, high]), true) => {
                finite_and_distinct("range", &[low, high])?;
                self.scale.check(&[low, high])?;
                if low > high {
                    return Err(format!("`range` must rise, but is [{low}, {high}]"));
                }
                if !self.values.is_empty() {
                    return Err("generated data has a `range`, published data has `values`; give one of them".into());
                }
            }
            (None, true) => return Err("needs a `range = [low, high]`, because its data is generated".into()),
            (Some(_), false) => return Err("needs `values` and no `range`, because its data is published".into()),
            (None, false) => {
                at_least_one("number of `values`", self.values.len())?;
                finite_and_distinct("values", &self.values)?;
                self.scale.check(&self.values)?;
            }
        }
        match (self.mean, self.std) {
            (None, None) if self.range.is_none() && self.values.len() < 2 => {
                Err("needs two `values` at least, or a `mean` and `std`: one value alone has no spread".into())
            }
            (None, None) => Ok(()),
            (Some(mean), Some(std)) if is_finite(mean) && is_finite(std) && std > 0.0 => Ok(()),
            (Some(mean), Some(std)) => {
                Err(format!("`mean` and `std` must be finite and `std` positive, but are {mean} and {std}"))
            }
            _ => Err("give both `mean` and `std`, or neither to take them from the distribution".into()),
        }
    }
}

/// The value rounded to five significant digits: short in names and tables, recovered from the single precision of
/// files, and the same whatever the last bits of a logarithm are on a machine.
pub(super) fn rounded(value: f64) -> f64 {
    format!("{value:.4e}").parse().expect("a formatted number is a number")
}
