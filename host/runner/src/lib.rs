#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod bench;
mod cell_run;
mod child;
mod data;
mod device;
mod encode_clips;
mod environment;
mod error;
mod events;
pub mod interrupt;
mod messages;
mod method_process;
mod overrides;
mod peak_memory;
mod phase_timer;
mod plan;
mod plugin;
mod plugin_build;
mod prefetch;
mod process_group;
mod progress;
mod rerun;
mod sandbox;
mod selection;
mod single_cell;
mod stages;
mod status;
mod supervisor;
#[cfg(test)]
mod tests;
mod tune;
mod weights;

pub use bench::{BatchShape, BenchMode, BenchResult, BenchTask, StepTimes, measure, measure_in_this_process};
pub use child::begin_as_child;
pub use data::{InspectionLimits, cores, inspect_files, inspect_in_this_process, pack_data, prepare_data};
pub use device::{CudaDriver, DeviceSelection, Gpu, Staging, cuda_compiler, describe};
pub use encode_clips::{EncodeTask, encode_clips};
pub use environment::machine_memory;
pub use error::{Error, Result};
pub use events::{CellEvent, DataProgress, DataStep, Phase, PhaseProgress, RunEvent};
pub use method_process::serve_in_this_process as serve_method_in_this_process;
pub use overrides::{of_method, parse as parse_overrides};
pub use physrep_nn::instruction_set;
pub use plan::{PlanEvent, PlanSettings, RunPlan};
pub use plugin::{MethodCode, MethodLibrary, describe_in_this_process, describe_library};
pub use plugin_build::{PluginSource, find_plugin, plugin_sources};
pub use prefetch::{Loader, PrefetchSettings};
pub use rerun::{RerunSettings, rerun_cell};
pub use selection::{RunSelection, SelectionEvent};
pub use single_cell::SingleCell;
pub use status::{CellState, CellStatus, RunState, RunStatus};
pub use supervisor::{PROBE_PATIENCE, Policy, run_cells};
pub use tune::{TRIALS, Tuning, TuningPlan, TuningSettings, suite_lines, tuning_outcome};
pub use weights::read_weights;
