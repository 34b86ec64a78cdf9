//! The parameters of a trajectory: of the fluid, and of the initial condition.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::constants::CHECKS;
use crate::systems::solver_error::SolverError;

/// One trajectory's parameters: two of the fluid, and those of the initial condition.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShearFlow {
    /// Reynolds number `1 / nu`, positive.
    pub reynolds: f64,
    /// Schmidt number `nu / D`, positive.
    pub schmidt: f64,
    /// Shear layers, evenly spaced in `y`; even, so that the flow is periodic.
    pub n_shear: usize,
    /// Thickness of the layers, relative to a tenth of their distance; positive.
    pub width: f64,
    /// The perturbation that the layers roll up from.
    pub perturbation: Perturbation,
}

/// The perturbation of the shear layers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Perturbation {
    /// That of The Well's generator: this number of half waves along `x`, the same on every layer.
    Blobs(usize),
    /// Random: layers at random places, each with waves of random amplitudes and phases. The number is the seed.
    Random(u64),
}

impl ShearFlow {
    /// Checks that the parameters define a periodic, diffusive flow.
    ///
    /// # Errors
    /// [`SolverError::Parameter`] names the first parameter that does not.
    pub fn validate(&self) -> Result<(), SolverError> {
        CHECKS.positive("reynolds", self.reynolds)?;
        CHECKS.positive("schmidt", self.schmidt)?;
        CHECKS.positive("width", self.width)?;
        if self.n_shear == 0 || !self.n_shear.is_multiple_of(2) {
            let expected = "positive and even (an odd number of layers is not periodic in y)";
            return Err(CHECKS.parameter("n_shear", self.n_shear as f64, expected));
        }
        if self.perturbation == Perturbation::Blobs(0) {
            return Err(CHECKS.parameter("n_blobs", 0.0, "at least 1"));
        }
        Ok(())
    }
}

impl fmt::Display for ShearFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reynolds, schmidt, n_shear, width, perturbation } = self;
        write!(f, "Reynolds {reynolds}, Schmidt {schmidt}, n_shear {n_shear}, width {width}, ")?;
        match perturbation {
            Perturbation::Blobs(n_blobs) => write!(f, "n_blobs {n_blobs}"),
            Perturbation::Random(seed) => write!(f, "seed {seed}"),
        }
    }
}
