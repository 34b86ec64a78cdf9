//! The distributions of initial conditions.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::checks::{finite_and_distinct, is_finite, plain_name};
use super::parameter::rounded;

/// One of the quantities that select an initial condition: drawn from `values`, or uniformly from `range`, or, without
/// both, a number that no other trajectory has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Initial {
    /// The quantity's name.
    pub name: String,
    /// Its values, each as probable as the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<f64>,
    /// The ends of its range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
}

/// Numbers below this are exact in double precision, also after they were printed in JSON.
const UNIQUE: u64 = 1 << 52;

impl Initial {
    /// A value, from the next numbers of `random`.
    pub(super) fn draw(&self, random: &mut impl Rng) -> f64 {
        match self.range {
            Some([low, high]) => rounded(random.random_range(low..high)),
            None if self.values.is_empty() => random.random_range(0..UNIQUE) as f64,
            None => self.values[random.random_range(0..self.values.len())],
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        plain_name("name", &self.name)?;
        finite_and_distinct("values", &self.values)?;
        let Some([low, high]) = self.range else { return Ok(()) };
        if !self.values.is_empty() {
            return Err("give `values` or a `range`, or neither for a number that no other trajectory has".into());
        }
        if is_finite(low) && is_finite(high) && low < high {
            return Ok(());
        }
        Err(format!("`range` must be finite and rise, but is [{low}, {high}]"))
    }
}
