#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod comparison;
mod error;
mod health;
mod holm;
mod interval;
mod labels;
mod metrics;
mod ranks;

pub use comparison::{Comparison, Errors, compare};
pub use error::{Error, Result};
pub use health::{GradientFlow, LabelPermutation, Spread};
pub use holm::holm;
pub use interval::bootstrap::{RESAMPLES, Resampler};
pub use interval::difference::{Difference, difference_of_independent};
pub use interval::interval::{Interval, is_significant};
pub use interval::student::{mean, standard_deviation, t_interval, t_quantile};
pub use labels::Labels;
pub use metrics::{ParameterScore, Scores, mean_over_trajectories, per_trajectory, scores};
pub use ranks::ranks;
