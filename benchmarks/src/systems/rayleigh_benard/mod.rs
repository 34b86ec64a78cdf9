//! Rayleigh-Benard convection: a layer of fluid between two no-slip plates, heated from below and cooled from above.
//!
//! ```text
//! db/dt - kappa lap b               = -u . grad b,    kappa = 1 / sqrt(Ra Pr)
//! du/dt - nu lap u + grad p - b e_y = -u . grad u,    nu    = sqrt(Pr / Ra),    div u = 0,    mean of p = 0
//! ```
//!
//! in two dimensions, periodic in `x` on `[0, 4)`, with `u = 0` at both walls, `b = 1` at `y = 0` and `b = 0` at `y = 1`;
//! lengths are measured in heights of the layer, time in free-fall times. This is the system `rayleigh_benard` of The Well
//! (Ohana et al. 2024), with the initial conditions of its generator.
//!
//! The solver is a Galerkin method: Fourier series along `x`, and across the layer Legendre polynomials that satisfy the
//! walls' conditions (Shen, SIAM J. Sci. Comput. 15, 1489, 1994). The velocity comes from a stream function and is free of
//! divergence; all integrals of products are exact, so that nothing is aliased and the discrete flow has the budgets of
//! energy and buoyancy variance of the equations themselves. Time is advanced by an implicit-explicit Runge-Kutta scheme of
//! third order with a step bounded by the flow's speed.
//!
//! How fine the grid has to be, by the share of enstrophy in the outer third of the spectrum ([`Diagnostics`]) in developed
//! convection, Pr 1, dT 0.6, at t = 20 and 24:
//!
//! | grid | Ra 1e5 | Ra 1e6 | Ra 1e7 |
//! |---|---|---|---|
//! | 64x32 | 6e-4 | 3e-2 | 9e-2 |
//! | 96x48 | 2e-5 | 6e-3 | 3e-2 |
//! | 128x64 | 2e-7 | 1e-3 | 2e-2 |

mod advection;
mod basis;
mod diagnostics;
mod flow;
mod layer;
mod noise;
mod pencil;
mod pressure;
mod sampling;
mod solver;
mod system;
mod trajectory;

use std::f64::consts::PI;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use diagnostics::Diagnostics;
pub use solver::{COURANT, LONGEST_STEP, Solver};
pub use system::RayleighBenardSystem;
pub use trajectory::{Frame, simulate};

use super::SolverError;

/// The system's name in The Well and in every error.
pub const NAME: &str = "rayleigh_benard";
/// Lengths of the domain along `x` and `y`.
pub const LENGTHS: [f64; 2] = [4.0, 1.0];

/// Grid points below which an axis is refused.
const SMALLEST_AXIS: usize = 8;

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

/// Velocity and buoyancy on a grid `[nx, ny]`: `nx * ny` values each, row-major, `x` first, `y` fastest. Along `x` points
/// are evenly spaced, along `y` they are Chebyshev-Gauss points, ascending.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    /// Components of the velocity along `x` and `y`.
    pub velocity: [Vec<f64>; 2],
    /// The buoyancy.
    pub buoyancy: Vec<f64>,
}

impl Fields {
    /// Evaluates `f(x, y) = ([u_x, u_y], b)` at the points of a grid whose extent along `x` is `length`.
    pub fn sample(grid: [usize; 2], length: f64, f: impl Fn(f64, f64) -> ([f64; 2], f64)) -> Self {
        let [nx, ny] = grid;
        let mut fields = Self { velocity: [vec![0.0; nx * ny], vec![0.0; nx * ny]], buoyancy: vec![0.0; nx * ny] };
        for i in 0..nx {
            for j in 0..ny {
                let x = i as f64 * length / nx as f64;
                let y = 0.5 - 0.5 * (PI * (j as f64 + 0.5) / ny as f64).cos();
                let (u, b) = f(x, y);
                fields.velocity[0][i * ny + j] = u[0];
                fields.velocity[1][i * ny + j] = u[1];
                fields.buoyancy[i * ny + j] = b;
            }
        }
        fields
    }
}

impl RayleighBenard {
    /// Checks that the parameters define convection.
    ///
    /// # Errors
    /// [`SolverError::Parameter`] names the first parameter that does not.
    pub fn validate(&self) -> Result<(), SolverError> {
        positive("rayleigh", self.rayleigh)?;
        positive("prandtl", self.prandtl)?;
        if !(0.0..=1.0).contains(&self.delta) {
            return Err(parameter("dT", self.delta, "between 0 and 1"));
        }
        Ok(())
    }

    /// The initial condition on `grid`: fluid at rest, and `b = delta (1 - y) + y (1 - y) noise`.
    ///
    /// The noise is white with a standard deviation of 1e-3 on a grid of 512x128 points, as in The Well's generator (whose
    /// random numbers are its own). It is drawn mode by mode, always in the same order, and a coarser grid takes the modes
    /// that it holds: the same seed means the same initial condition on every grid, smoothed.
    pub fn initial_condition(&self, grid: [usize; 2]) -> Fields {
        let noise = noise::noise(self.seed, grid);
        let mut fields = Fields::sample(grid, LENGTHS[0], |_, y| ([0.0; 2], y));
        for (b, noise) in fields.buoyancy.iter_mut().zip(noise) {
            let y = *b;
            *b = self.delta * (1.0 - y) + y * (1.0 - y) * noise;
        }
        fields
    }
}

impl fmt::Display for RayleighBenard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rayleigh, prandtl, delta, seed } = self;
        write!(f, "Rayleigh {rayleigh}, Prandtl {prandtl}, dT {delta}, seed {seed}")
    }
}

fn parameter(name: &'static str, value: f64, expected: &'static str) -> SolverError {
    SolverError::Parameter { system: NAME, name, value, expected }
}

fn positive(name: &'static str, value: f64) -> Result<(), SolverError> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(parameter(name, value, "a positive finite number"))
}

fn grid_problem(problem: String) -> SolverError {
    SolverError::Grid { system: NAME, problem }
}

fn validate_grid(what: &str, grid: [usize; 2]) -> Result<(), SolverError> {
    let [nx, ny] = grid;
    if grid.iter().all(|n| n.is_multiple_of(2) && *n >= SMALLEST_AXIS) {
        return Ok(());
    }
    Err(grid_problem(format!(
        "the {what} grid must have an even number of at least {SMALLEST_AXIS} points along x and y, but is {nx}x{ny}"
    )))
}
