//! The physical parameters of a suspension.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::constants::{CHECKS, DIFFUSIVITY, LARGEST, LENGTH};
use crate::systems::solver_error::SolverError;

/// The physical parameters of a suspension.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActiveMatter {
    /// Strength `zeta` of the steric alignment, 0 or more.
    pub zeta: f64,
    /// Strength `alpha` of the active dipoles; negative for rods that push the fluid out along their axis.
    pub alpha: f64,
    /// Crowding `beta`, the weight of the passive stresses, 0 or more.
    pub beta: f64,
    /// Rotational diffusivity `d_R`, positive.
    pub rotational_diffusivity: f64,
    /// Translational diffusivity `d_T`, positive.
    pub translational_diffusivity: f64,
    /// Length `L` of the periodic domain along `x` and `y`, positive.
    pub length: f64,
}

impl ActiveMatter {
    /// The suspension of The Well with the two parameters that it varies: `zeta` in 1, 3, ..., 17 and `alpha` in -1,
    /// -2, ..., -5.
    pub fn new(zeta: f64, alpha: f64) -> Self {
        Self {
            zeta,
            alpha,
            beta: 0.8,
            rotational_diffusivity: DIFFUSIVITY,
            translational_diffusivity: DIFFUSIVITY,
            length: LENGTH,
        }
    }

    /// Checks that the parameters define a diffusive suspension.
    ///
    /// # Errors
    /// [`SolverError::Parameter`] names the first parameter that does not.
    pub fn validate(&self) -> Result<(), SolverError> {
        for (name, value) in [("zeta", self.zeta), ("beta", self.beta)] {
            if !(0.0..=LARGEST).contains(&value) {
                return Err(CHECKS.parameter(name, value, "between 0 and 1000"));
            }
        }
        if !(-LARGEST..=LARGEST).contains(&self.alpha) {
            return Err(CHECKS.parameter("alpha", self.alpha, "between -1000 and 1000"));
        }
        for (name, value) in [
            ("rotational_diffusivity", self.rotational_diffusivity),
            ("translational_diffusivity", self.translational_diffusivity),
            ("length", self.length),
        ] {
            if !(value > 0.0 && value <= LARGEST) {
                return Err(CHECKS.parameter(name, value, "positive and at most 1000"));
            }
        }
        Ok(())
    }
}

impl fmt::Display for ActiveMatter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { zeta, alpha, beta, rotational_diffusivity: d_r, translational_diffusivity: d_t, length } = self;
        write!(f, "zeta {zeta}, alpha {alpha}, beta {beta}, d_R {d_r}, d_T {d_t}, L {length}")
    }
}
