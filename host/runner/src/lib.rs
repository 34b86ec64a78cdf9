#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod attempts;
mod bench;
mod cell_process;
mod cell_run;
mod check;
mod child;
mod config_overrides;
mod data;
mod device;
mod elsewhere;
mod encode_clips;
mod environment;
mod error;
mod events;
pub mod interrupt;
mod messages;
mod method_process;
mod peak_memory;
mod phase_timer;
mod plan;
mod plugin;
mod plugin_build;
mod plugin_sources;
mod policy;
mod prefetch;
mod probe_library;
mod process_group;
mod progress;
mod progress_file;
mod rerun;
mod sandbox;
mod selection;
mod shipped;
mod single_cell;
mod stages;
mod status;
mod supervisor;
#[cfg(test)]
mod tests;
mod tune;
mod watched_cell;
mod weights;

pub use attempts::forget_attempts;
pub use bench::{BatchShape, BenchMode, BenchResult, BenchTask, StepTimes, measure, measure_in_this_process};
pub use check::{CheckSettings, CheckedMethod, QuickChecks, WORKS, check_in_this_process, suite_shapes};
pub use child::begin_as_child;
pub use config_overrides::{of_method, parse as parse_overrides};
pub use data::{
    DataFolders, InspectionLimits, cores, inspect_files, inspect_in_this_process, pack_data, pack_system, prepare_data,
};
pub use device::{CudaDriver, DeviceSelection, Gpu, Staging, cuda_compiler, describe};
pub use elsewhere::{ExportedWindows, ReturnedEmbeddings, ScoreTask, ScoringSettings, export_windows};
pub use encode_clips::{EncodeTask, encode_clips};
pub use environment::machine_memory;
pub use error::{Error, Result};
pub use events::{CellEvent, DataProgress, DataStep, Phase, PhaseProgress, RunEvent};
pub use method_process::serve_in_this_process as serve_method_in_this_process;
pub use physrep_conformance::{CHECKS, Check, Outcome};
pub use physrep_nn::instruction_set;
pub use plan::{MissingData, PlanEvent, PlanSettings, RunPlan};
pub use plugin::{MethodCode, MethodLibrary, describe_in_this_process, describe_library};
pub use plugin_sources::{PluginSource, find_plugin, plugin_sources};
pub use policy::{PROBE_PATIENCE, Policy};
pub use prefetch::{Loader, PrefetchSettings};
pub use probe_library::ProbePlacement;
pub use rerun::{RerunSettings, rerun_cell};
pub use selection::{RunSelection, SelectionEvent, systems_of};
pub use shipped::shipped_methods;
pub use single_cell::SingleCell;
pub use status::{CellState, CellStatus, RunState, RunStatus};
pub use supervisor::run_cells;
pub use tune::{TRIALS, Tuning, TuningPlan, TuningSettings, suite_lines, tuning_outcome};
pub use watched_cell::{WatchedEnd, WatchedEvent};
pub use weights::read_weights;
