//! Placeholder until the real module lands.
#![allow(missing_docs)]
use super::{Result, Split};
pub fn few_labels(split: &Split, _fraction: f64, _seed: u64) -> Result<Split> { Ok(split.clone()) }
