//! Tasks of a run for whoever starts processes: a list in the order of what needs what, as shell commands or as jobs of Slurm.
//!
//! [`task_list()`] makes the list, which both forms are made from. Tasks leave their state in the files of the run alone, so that nothing has
//! to stay logged in, and a task that is started twice does no harm.

pub mod commands_form;
mod estimate;
mod outlined_run;
pub mod slurm;
mod stage;
mod task;
mod task_list;

pub use outlined_run::OutlinedRun;
pub use stage::Stage;
pub use task_list::task_list;
