//! The physical systems of physrep-bench: their solvers.

pub mod spectral;
pub mod systems;
