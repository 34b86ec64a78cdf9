//! Describes data, and checks whether it is valid.
//!
//! A path [is](find_data) a single file, a data set, or several. Each file is [inspected](inspect_file()) by itself, so
//! that a caller may do so in a process of its own: HDF5 can crash or hang on a damaged file. What shows only across
//! the files of a data set is [checked](check_data_set) on their reports.

mod channel_scan;
mod data_path;
mod data_set;
mod file_name;
mod findings;
mod frame_repeats;
mod inspect_file;
mod packed_file;
mod report;
mod settings_check;
mod statistics_check;
mod well_file;
mod well_format;

pub use data_path::{DataPath, DataSet, find_data};
pub use data_set::check_data_set;
pub use findings::{Finding, Findings, Severity};
pub use inspect_file::inspect_file;
pub use report::{AxisReport, ChannelReport, Contents, FieldReport, FileKind, ParameterReport, Report};
