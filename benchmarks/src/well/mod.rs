//! The Well's files: HDF5 as PolymathicAI/the_well specifies it. Published files have one set of parameters each, generated
//! ones another set for each trajectory.
//!
//! ```text
//! DIR/shear_flow/data/{train,valid,test}/*.hdf5
//! DIR/shear_flow/stats.yaml          mean and standard deviation of every field over the training split
//! DIR/shear_flow/shear_flow.yaml     an outline of the data set
//! ```

pub(crate) mod checked_hdf5;
mod description;
mod hdf5_error;
mod hdf5_library;
mod hdf5_open;
mod hdf5_storage;
mod layout;
mod moments;
mod outline;
mod paths;
pub(crate) mod reader;
mod statistics;
mod writer;

pub(crate) use description::description_yaml;
pub(crate) use layout::fields_group;
pub use layout::{WellAxis, WellLayout, WellScalar};
pub use moments::Moments;
pub(crate) use paths::files_in;
pub use paths::{split_files, split_folder, stats_file};
pub use reader::WellFile;
pub use statistics::ChannelStats;
pub(crate) use statistics::{Components, STATISTICS, STD_FLOOR, compute_stats, read_stats, stats_yaml};
pub use writer::WellWriter;
