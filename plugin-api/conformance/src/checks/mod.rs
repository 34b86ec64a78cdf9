//! The checks, by what they are about.

mod description;
mod encoding;
mod gradients;
mod learning;
mod parameters;
mod process;
mod randomness;
mod shapes;
mod state;
mod works;

use crate::check::Check;

/// All checks. Those after `works` need what it tries.
pub const CHECKS: &[Check] = &[
    description::NAME,
    description::SUMMARY,
    works::WORKS,
    description::DEFAULTS,
    description::KEYS,
    description::UNKNOWN_KEY,
    parameters::ENCODER,
    parameters::COMPLETE,
    parameters::ENCODER_ALONE,
    parameters::ALL_OF_ENCODER,
    parameters::TOUCHED,
    randomness::SAME_SEED,
    randomness::OTHER_SEED,
    learning::FINITE,
    learning::SAME_LOSS,
    learning::FALLS,
    gradients::LOSS,
    encoding::DISTINCT,
    encoding::BATCH,
    encoding::AFTER_LOSS,
    state::ROUND_TRIP,
    state::RESUME,
    state::NOTHING_OUTSIDE,
    shapes::GRIDS,
    shapes::SUITES,
    shapes::JOINT,
    shapes::TOKENS,
    parameters::END_TO_END,
    process::THREADS,
    process::MEMORY,
    process::TIME,
];
