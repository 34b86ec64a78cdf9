#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod bootstrap;
mod comparison;
mod difference;
mod error;
mod health;
mod holm;
mod interval;
mod labels;
mod metrics;
mod ranks;
mod student;

pub use bootstrap::{RESAMPLES, Resampler};
pub use comparison::{Comparison, Errors, compare};
pub use difference::{Difference, difference_of_independent};
pub use error::{Error, Result};
pub use health::{GradientFlow, LabelPermutation, Spread};
pub use holm::holm;
pub use interval::{Interval, is_significant};
pub use labels::Labels;
pub use metrics::{ParameterScore, Scores, mean_over_trajectories, per_trajectory, scores};
pub use ranks::ranks;
pub use student::{mean, standard_deviation, t_interval, t_quantile};
