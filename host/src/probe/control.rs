//! Placeholder until the real module lands.
#![allow(missing_docs)]
use super::{Result, Split, ridge};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Control { pub shuffles: usize, pub r2: Vec<f64>, pub low: Option<f64>, pub high: Option<f64> }
impl Control {
    pub fn of(r2: Vec<f64>) -> Self { Self { shuffles: r2.len(), r2, low: None, high: None } }
}
pub fn shuffled(_: &Split, _: &Split, _: &Split, _: &ridge::Config, _: usize, _: u64) -> Result<Vec<f64>> { Ok(vec![]) }
