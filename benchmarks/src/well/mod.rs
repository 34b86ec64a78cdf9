//! The Well's files: HDF5 with one file for each set of parameters and split, as PolymathicAI/the_well specifies them.
//!
//! ```text
//! DIR/shear_flow/data/{train,valid,test}/shear_flow_Reynolds_1e4_Schmidt_1e-1.hdf5
//! DIR/shear_flow/stats.yaml          mean and standard deviation of every field over the training split
//! DIR/shear_flow/shear_flow.yaml     an outline of the data set
//! ```

pub(crate) mod checked_hdf5;
mod description;
mod hdf5_error;
mod layout;
mod moments;
mod paths;
pub(crate) mod reader;
mod statistics;
mod writer;

pub(crate) use description::description_yaml;
pub(crate) use layout::fields_group;
pub use layout::{WellAxis, WellLayout};
pub use moments::Moments;
pub(crate) use paths::files_in;
pub use paths::{file_name, split_files, split_folder, stats_file};
pub use reader::WellFile;
pub use statistics::ChannelStats;
pub(crate) use statistics::{Components, STATISTICS, STD_FLOOR, compute_stats, read_stats, stats_yaml};
pub use writer::WellWriter;
