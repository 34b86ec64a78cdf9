//! The parameters of a trajectory: of the fluid, and of the initial condition.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::constants::CHECKS;
use crate::systems::solver_error::SolverError;

/// One trajectory's parameters: two of the fluid, two of the initial condition.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RayleighBenard {
    /// Rayleigh number, positive.
    pub rayleigh: f64,
    /// Prandtl number `nu / kappa`, positive.
    pub prandtl: f64,
    /// Buoyancy of the fluid next to the lower wall at the start, 0 to 1. The wall itself is at 1 from the start.
    pub delta: f64,
    /// Picks the noise from which convection grows.
    pub seed: u64,
}

impl RayleighBenard {
    /// Checks that the parameters define convection.
    ///
    /// # Errors
    /// [`SolverError::Parameter`] names the first parameter that does not.
    pub fn validate(&self) -> Result<(), SolverError> {
        CHECKS.positive("rayleigh", self.rayleigh)?;
        CHECKS.positive("prandtl", self.prandtl)?;
        if !(0.0..=1.0).contains(&self.delta) {
            return Err(CHECKS.parameter("dT", self.delta, "between 0 and 1"));
        }
        Ok(())
    }
}

impl fmt::Display for RayleighBenard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rayleigh, prandtl, delta, seed } = self;
        write!(f, "Rayleigh {rayleigh}, Prandtl {prandtl}, dT {delta}, seed {seed}")
    }
}
