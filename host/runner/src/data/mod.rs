//! The data of cells: generated, inspected and packed if it is missing.

mod damage;
mod inspect;
mod prepare;
mod samples;

pub(crate) use damage::pack_again;
pub use inspect::{InspectionLimits, cores, inspect_files, inspect_in_this_process};
pub use prepare::{DataFolders, pack_data, pack_system, prepare_data, prepared_data};
pub use samples::write_samples;
