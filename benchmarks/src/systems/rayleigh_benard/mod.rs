//! Rayleigh-Benard convection: a layer of fluid between two no-slip plates, heated from below and cooled from above.
//!
//! ```text
//! db/dt - kappa lap b               = -u . grad b,    kappa = 1 / sqrt(Ra Pr)
//! du/dt - nu lap u + grad p - b e_y = -u . grad u,    nu    = sqrt(Pr / Ra),    div u = 0,    mean of p = 0
//! ```
//!
//! in two dimensions, periodic in `x` on `[0, 4)`, with `u = 0` at both walls, `b = 1` at `y = 0` and `b = 0` at `y =
//! 1`; lengths are measured in heights of the layer, time in free-fall times. This is the system `rayleigh_benard` of
//! The Well (Ohana et al. 2024), with the initial conditions of its generator.
//!
//! The solver is a Galerkin method: Fourier series along `x`, and across the layer Legendre polynomials that satisfy
//! the walls' conditions (Shen, SIAM J. Sci. Comput. 15, 1489, 1994). The velocity comes from a stream function and is
//! free of divergence; all integrals of products are exact, so that nothing is aliased and the discrete flow has the
//! budgets of energy and buoyancy variance of the equations themselves. Time is advanced by an implicit-explicit
//! Runge-Kutta scheme of third order with a step bounded by the flow's speed.
//!
//! How fine the grid has to be, by the share of enstrophy in the outer third of the spectrum ([`Diagnostics`]) in
//! developed convection, Pr 1, dT 0.6, at t = 20 and 24:
//!
//! | grid | Ra 1e5 | Ra 1e6 | Ra 1e7 |
//! |---|---|---|---|
//! | 64x32 | 6e-4 | 3e-2 | 9e-2 |
//! | 96x48 | 2e-5 | 6e-3 | 3e-2 |
//! | 128x64 | 2e-7 | 1e-3 | 2e-2 |

mod advection;
mod basis;
mod constants;
mod diagnostics;
mod fields;
mod flow;
mod initial;
mod initial_noise;
mod layer;
mod parameters;
mod pencil;
mod pressure;
mod product;
mod projection;
mod rows;
mod sampling;
mod solver;
mod system;
mod trajectory;

pub use constants::{LENGTHS, NAME};
pub use diagnostics::Diagnostics;
pub use fields::Fields;
pub use parameters::RayleighBenard;
pub use solver::{COURANT, LONGEST_STEP, Solver};
pub use system::RayleighBenardSystem;
pub use trajectory::{StoredFrame, simulate};
