//! Placeholder until the real module lands.
#![allow(missing_docs)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spread { pub effective_rank: f64 }
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GradientFlow { pub steps: u64, pub smallest_norm: f64, pub largest_norm: f64, pub silent: u64 }
pub fn spread(_pooled: &[f64], _dim: usize) -> crate::Result<Spread> { Ok(Spread { effective_rank: 0.0 }) }
pub fn gradient_flow<'a>(_points: impl Iterator<Item = (&'a str, u64, f64)>) -> Option<GradientFlow> { None }
