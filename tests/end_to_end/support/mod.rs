//! What the tests are written with: the program in a folder of its own, plugins, finished runs, and readers of what it writes.

mod checkpoint;
#[cfg(target_os = "linux")]
pub mod failing_calls;
mod finished_run;
pub mod hub;
mod outcome;
mod output;
mod paths;
mod picture;
mod plugins;
mod process;
mod project;
mod python;
mod random;
mod shared_folder;
mod tensors;

pub use checkpoint::{checkpoint_header, kill_at_next_checkpoint};
pub use finished_run::{micro_run, report_run};
pub use outcome::{assert_same_outcome, outcome};
pub use output::Output;
pub use paths::{fixture, root};
pub use picture::Picture;
pub use plugins::{
    AUTOENCODER, DEVICE_MEMORY, DISCO, FOREIGN_FINETUNE, FOREIGN_ROOT, FOREIGN_TABLE, HOSTILE, HOSTILE_TENSORS, JEPA,
    MPP, PROBE_LIBRARY, PRYING, Plugin, SPY, VIDEOMAE, compile,
};
pub use process::{Running, wait_until};
pub use project::{Suite, TestProject, files_below, read_json, replace_option, write_sealed};
pub use python::python;
pub use random::Random;
pub use shared_folder::shared_folder;
pub use tensors::{Array, distance, read_tensors, write_tensors};
