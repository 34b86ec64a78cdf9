//! Training: gradients, the optimizer, schedules, precision.

mod adamw;
mod clip;
mod direct_gradients;
mod moving_average;
mod precision;
mod schedule;

pub use adamw::{AdamW, AdamWConfig};
pub use clip::{clip_gradients, squared_norms};
pub use direct_gradients::DirectGradients;
pub use moving_average::MovingAverage;
pub use precision::Precision;
pub use schedule::CosineSchedule;
