//! The domain of a system: its axes, their boundary conditions, and where grid points are.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// The boundary condition at both ends of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Boundary {
    /// The domain repeats.
    Periodic,
    /// A wall.
    Wall,
    /// Open to the outside.
    Open,
}

/// Where the points of a grid are along an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Points {
    /// Evenly spaced from the start on, the far end left out: `start + j length / n`.
    #[default]
    Uniform,
    /// Chebyshev-Gauss nodes, dense at both ends and on neither: `start + length (1 - cos(pi (j + 1/2) / n)) / 2`.
    ChebyshevGauss,
}

/// One spatial axis of a system's domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DomainAxis {
    /// The name, `x` or `y`.
    pub name: String,
    /// The coordinate at which the domain begins (non-dimensional).
    pub start: f64,
    /// The extent of the domain (non-dimensional).
    pub length: f64,
    /// The boundary condition.
    pub boundary: Boundary,
    /// Where grid points are.
    pub points: Points,
}

impl DomainAxis {
    /// Positions of `n` grid points (non-dimensional).
    pub fn coordinates(&self, n: usize) -> Vec<f64> {
        let place = |j: usize| match self.points {
            Points::Uniform => j as f64 / n as f64,
            Points::ChebyshevGauss => 0.5 - 0.5 * (PI * (j as f64 + 0.5) / n as f64).cos(),
        };
        (0..n).map(|j| self.start + self.length * place(j)).collect()
    }
}
