//! The data that cells need: generated, inspected and packed where it is missing.

mod inspect;
mod prepare;
mod samples;

pub use inspect::{InspectionLimits, cores, inspect_files, inspect_in_this_process};
pub use prepare::{pack_data, prepare_data};
pub use samples::write_samples;
