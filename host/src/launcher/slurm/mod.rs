//! Tasks as jobs of Slurm: an array for each stage, with dependencies between them.

mod queue;
mod requeue;
mod script;
mod settings;
mod submission;

pub use queue::Queue;
pub use requeue::requeue_this_task;
pub use settings::SlurmArguments;
pub use submission::{Plan, is_launched, is_planned_so, queued, submit};
