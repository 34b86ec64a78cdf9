#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod bootstrap;
mod comparison;
mod error;
mod health;
mod interval;
mod labels;
mod metrics;
mod ranks;
mod student;

pub use bootstrap::{Difference, RESAMPLES, Resampler};
pub use comparison::{Comparison, Errors, compare};
pub use error::{Error, Result};
pub use health::{GradientFlow, LabelPermutation, Spread};
pub use interval::Interval;
pub use labels::Labels;
pub use metrics::{ParameterScore, Scores, mean_over_trajectories, per_trajectory, scores};
pub use ranks::ranks;
pub use student::{mean, t_interval, t_quantile};
