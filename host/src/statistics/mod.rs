//! What a table may say of its numbers: intervals, differences, ranks.
//!
//! Two things could have come out otherwise: the seeds, and the test trajectories. Seeds are few and their means are near normal: a t
//! interval. Trajectories are many and their errors are skewed: a bootstrap, with the trajectory as the unit, since windows of one
//! trajectory are alike.

mod bootstrap;
mod comparison;
mod interval;
mod ranks;
mod student;

pub use bootstrap::{Difference, RESAMPLES, Resampler};
pub use comparison::{Comparison, Errors, compare};
pub use interval::{Interval, LEVEL};
pub use ranks::ranks;
pub use student::{mean, t_interval, t_quantile};
