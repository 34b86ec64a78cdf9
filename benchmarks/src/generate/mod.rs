//! Generates the data of a suite's system: solves its equations for every trajectory and writes The Well's files.

mod checksums;
mod frame_counter;
#[expect(clippy::module_inception)] // the function `generate`, of which the other files are parts
mod generate;
mod plan;
mod settings;
mod solve;
mod trajectory_cache;

pub(crate) use checksums::Checksums;
pub use generate::{GenerationSummary, data_key, generate};
pub(crate) use plan::plan;
pub(crate) use settings::GenerationSettings;
