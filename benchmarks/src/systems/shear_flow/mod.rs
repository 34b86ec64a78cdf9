//! Shear flow: two-dimensional incompressible Navier-Stokes flow with a passive tracer, started from parallel shear
//! layers that roll up into vortices.
//!
//! ```text
//! du/dt + grad p - nu lap u = -u . grad u,    div u = 0,    mean of p = 0,    nu = 1 / Re
//! ds/dt          - D  lap s = -u . grad s,                                    D = nu / Sc
//! ```
//!
//! on `x` in `[0, 1)`, `y` in `[-1, 1)`, periodic in both; everything is non-dimensional. This is the system
//! `shear_flow` of The Well (Ohana et al. 2024), with the initial conditions of its generator or with random ones.
//!
//! The solver is pseudo-spectral in the vorticity: the two-thirds rule keeps quadratic terms free of aliasing,
//! diffusion is integrated exactly, and a fourth-order Runge-Kutta scheme with a step bounded by the flow's speed does
//! the rest. A filter of high order clears the highest modes.

mod advection;
mod constants;
mod damping;
mod diagnostics;
mod fields;
mod initial;
mod parameters;
mod solver;
mod system;
mod trajectory;

pub use constants::{LENGTHS, NAME, ORIGIN};
pub use diagnostics::Diagnostics;
pub use fields::Fields;
pub use parameters::{Perturbation, ShearFlow};
pub use solver::{COURANT, Solver};
pub use system::ShearFlowSystem;
pub use trajectory::{StoredFrame, simulate};
