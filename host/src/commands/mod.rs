//! The commands: each file has the arguments of one command as a struct, with a method `run` that executes it and returns the exit code.

pub mod all;
pub mod bench;
pub mod cell;
pub mod check;
pub mod compare;
pub mod completions;
pub mod data;
pub mod describe_one;
pub mod doctor;
pub mod encode;
pub mod export_windows;
mod finish;
pub mod list;
pub mod merge;
pub mod method_one;
pub mod new;
pub mod plan;
pub mod report;
mod run_arguments;
pub mod schema;
pub mod score;
pub mod status;
pub mod table;
pub mod tensorboard;
pub mod tune;
pub mod verify_result;
