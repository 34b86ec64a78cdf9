//! Tests across the stages: from records to leaderboards, tables and pages.

mod compare;
mod forms;
mod notes;
mod pretraining;
mod ranks;
mod regimes;
mod report;
mod run;
mod scores_csv;
