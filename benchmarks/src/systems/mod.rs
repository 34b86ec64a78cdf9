//! The physical systems: what each says about itself ([`System`]), and the solvers that produce its trajectories.
//!
//! A new system is a folder here, its two lines below, and a section in a suite. Everything outside of this module
//! knows a system through [`System`] only.

pub mod active_matter;
pub mod rayleigh_benard;
pub mod shear_flow;

mod checks;
mod domain;
mod field;
mod fourier;
mod simulation;
mod solver_error;
mod system;

use crate::suggestion::did_you_mean;
use crate::{Error, Result};

pub use domain::{Boundary, DomainAxis, Points};
pub use field::{Field, Rank};
pub use fourier::Fourier;
pub use solver_error::SolverError;
pub use system::{Case, Constant, Frame, PhysicalParameter, Resolution, System};

/// All systems.
const SYSTEMS: &[&dyn System] =
    &[&active_matter::ActiveMatterSystem, &rayleigh_benard::RayleighBenardSystem, &shear_flow::ShearFlowSystem];

/// The names of all systems.
pub fn names() -> impl Iterator<Item = &'static str> {
    SYSTEMS.iter().map(|system| system.name())
}

/// The system of that name.
///
/// # Errors
/// [`Error::System`] if there is none, with the names that there are.
pub fn named(name: &str) -> Result<&'static dyn System> {
    SYSTEMS.iter().copied().find(|system| system.name() == name).ok_or_else(|| Error::System {
        name: name.into(),
        meant: did_you_mean(name, names()),
        known: names().collect::<Vec<_>>().join(", "),
    })
}
