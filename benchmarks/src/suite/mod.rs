//! Suites: everything that makes the rows of a table comparable, and the trajectories that follow from it.
//!
//! Each part of a suite file is a file here: the suite itself, its windows, its budgets, and for every system a section
//! with its parameters and how its data is generated.

mod checks;
mod finetune_budget;
mod generation;
mod initial;
mod parameter;
mod pretrain_budget;
mod probe_budgets;
mod regimes;
#[expect(clippy::module_inception)] // `Suite`, of which the other files are parts
mod suite;
mod system_suite;
mod training_budget;
mod trajectories;
mod tuned;
mod window_plan;

pub use finetune_budget::FinetuneBudget;
pub use generation::Generation;
pub use initial::Initial;
pub use parameter::Parameter;
pub use pretrain_budget::PretrainBudget;
pub use probe_budgets::ProbeBudgets;
pub use regimes::Regimes;
pub use suite::Suite;
pub use system_suite::SystemSuite;
pub use training_budget::TrainingBudget;
pub use trajectories::{Trajectory, trajectories};
pub use tuned::Tuned;
pub use window_plan::WindowPlan;
