//! Tuning: random trials of a method's configuration, drawn from ranges that were written down before, chosen on valid.
//!
//! The budget is the same for every method: [`TRIALS`] draws, each pretrained and probed as a row of the table would be. A trial never
//! encodes the test splits.

mod outcome;
mod plan;
mod range;
mod ranges;
mod tuning;

pub use outcome::{outcome as tuning_outcome, suite_lines};
pub use plan::TuningPlan;
pub use tuning::{TRIALS, Tuning, TuningSettings};
