//! Intervals, one way of computing them a file: over seeds, over trajectories, of a difference.

pub mod bootstrap;
pub mod difference;
#[expect(clippy::module_inception)] // the type that all others compute
pub mod interval;
pub mod student;
