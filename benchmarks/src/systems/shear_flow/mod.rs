//! Shear flow: two-dimensional incompressible Navier-Stokes flow with a passive tracer, started from parallel shear layers
//! that roll up into vortices.
//!
//! ```text
//! du/dt + grad p - nu lap u = -u . grad u,    div u = 0,    mean of p = 0,    nu = 1 / Re
//! ds/dt          - D  lap s = -u . grad s,                                    D = nu / Sc
//! ```
//!
//! on `x` in `[0, 1)`, `y` in `[-1, 1)`, periodic in both; everything is non-dimensional. This is the system `shear_flow` of
//! The Well (Ohana et al. 2024), with the initial conditions of its generator.
//!
//! The solver is pseudo-spectral in the vorticity: the two-thirds rule keeps quadratic terms free of aliasing, diffusion is
//! integrated exactly, and a fourth-order Runge-Kutta scheme with a step bounded by the flow's speed does the rest. A
//! filter of high order clears the highest modes.

mod advection;
mod diagnostics;
mod solver;
mod system;
mod trajectory;

use std::f64::consts::PI;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use diagnostics::Diagnostics;
pub use solver::{COURANT, Solver};
pub use system::ShearFlowSystem;
pub use trajectory::{Frame, simulate};

use super::SolverError;

/// The system's name in The Well and in every error.
pub const NAME: &str = "shear_flow";
/// Lengths of the periodic domain along `x` and `y`.
pub const LENGTHS: [f64; 2] = [1.0, 2.0];
/// The domain's lower corner.
pub const ORIGIN: [f64; 2] = [0.0, -1.0];

/// Grid points below which an axis is refused.
const SMALLEST_AXIS: usize = 8;

/// One trajectory's parameters: two of the fluid, three of the initial condition.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShearFlow {
    /// Reynolds number `1 / nu`, positive.
    pub reynolds: f64,
    /// Schmidt number `nu / D`, positive.
    pub schmidt: f64,
    /// Shear layers, evenly spaced in `y`; even, so that the flow is periodic.
    pub n_shear: usize,
    /// Half waves of the vertical perturbation along `x`.
    pub n_blobs: usize,
    /// Thickness of the layers, relative to a tenth of their distance; positive.
    pub width: f64,
}

/// Velocity and tracer on a grid `[nx, ny]`: `nx * ny` values each, row-major, `x` first, `y` fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    /// Components of the velocity along `x` and `y`.
    pub velocity: [Vec<f64>; 2],
    /// The passive tracer.
    pub tracer: Vec<f64>,
}

impl Fields {
    /// Evaluates `f(x, y) = ([u_x, u_y], s)` at the grid's points, `(i Lx / nx, -1 + j Ly / ny)`.
    pub fn sample(grid: [usize; 2], f: impl Fn(f64, f64) -> ([f64; 2], f64)) -> Self {
        let [nx, ny] = grid;
        let spacing = [LENGTHS[0] / nx as f64, LENGTHS[1] / ny as f64];
        let mut fields = Self { velocity: [vec![0.0; nx * ny], vec![0.0; nx * ny]], tracer: vec![0.0; nx * ny] };
        for i in 0..nx {
            for j in 0..ny {
                let x = ORIGIN[0] + i as f64 * spacing[0];
                let y = ORIGIN[1] + j as f64 * spacing[1];
                let (u, s) = f(x, y);
                fields.velocity[0][i * ny + j] = u[0];
                fields.velocity[1][i * ny + j] = u[1];
                fields.tracer[i * ny + j] = s;
            }
        }
        fields
    }
}

impl ShearFlow {
    /// Checks that the parameters define a periodic, diffusive flow.
    ///
    /// # Errors
    /// [`SolverError::Parameter`] names the first parameter that does not.
    pub fn validate(&self) -> Result<(), SolverError> {
        positive("reynolds", self.reynolds)?;
        positive("schmidt", self.schmidt)?;
        positive("width", self.width)?;
        if self.n_shear == 0 || !self.n_shear.is_multiple_of(2) {
            let expected = "positive and even (an odd number of layers is not periodic in y)";
            return Err(parameter("n_shear", self.n_shear as f64, expected));
        }
        if self.n_blobs == 0 {
            return Err(parameter("n_blobs", 0.0, "at least 1"));
        }
        Ok(())
    }

    /// The prescribed initial condition on `grid`, as The Well's generator writes it.
    ///
    /// With `n = n_shear`, layers `i = 0..n` at `y_i = -1 + (2 i + 1) / n`, signs `s_i = -1, +1, -1, ...`:
    ///
    /// ```text
    /// u_x = 1/2 + sum_i s_i/2 tanh(5 n (y - y_i) / width)
    /// u_y = 1/10 sum_i sin(s_i n_blobs pi x) exp(-25 n^2 (y - y_i)^2 / width^2)
    /// s   = u_x
    /// ```
    ///
    /// This velocity is not free of divergence; [`Solver::new`] starts from its projection.
    pub fn initial_condition(&self, grid: [usize; 2]) -> Fields {
        let n = self.n_shear as f64;
        Fields::sample(grid, |x, y| {
            let (mut shear, mut bump) = (0.5, 0.0);
            for i in 0..self.n_shear {
                let sign = if i % 2 == 0 { -1.0 } else { 1.0 };
                let centre = ORIGIN[1] + (2 * i + 1) as f64 / n;
                let distance = 5.0 * n * (y - centre) / self.width;
                shear += 0.5 * sign * distance.tanh();
                bump += sign * (-distance * distance).exp();
            }
            let wave = (self.n_blobs as f64 * PI * x).sin();
            ([shear, 0.1 * wave * bump], shear)
        })
    }
}

impl fmt::Display for ShearFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reynolds, schmidt, n_shear, n_blobs, width } = self;
        write!(f, "Reynolds {reynolds}, Schmidt {schmidt}, n_shear {n_shear}, n_blobs {n_blobs}, width {width}")
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
