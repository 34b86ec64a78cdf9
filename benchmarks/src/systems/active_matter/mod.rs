//! Active matter: a dense suspension of rods that drive the fluid between them.
//!
//! The kinetic theory of Ohana et al. 2024 (The Well, `active_matter`) for apolar rods with orientation `p` on the unit
//! circle, in the moments `c = <1>`, `D = <pp>`, `S = <pppp>` of their distribution, with `E = (grad u + grad u^T) / 2`
//! and `(grad u)_ij = d u_i / d x_j`:
//!
//! ```text
//! dD/dt + u . grad D - (grad u . D + D . grad u^T) + 2 S:E = 4 zeta (D.D - S:D) - 4 d_R (D - c I/2) + d_T lap D
//! -lap u + grad P = div Sigma,    div u = 0,    mean of u = 0
//! Sigma = alpha D + beta S:E - 2 zeta beta (D.D - S:D)
//! ```
//!
//! on `[0, L)^2`, periodic, `L = 10` unless a suite sets another; everything is non-dimensional. `S` follows from `D`
//! by the Bingham closure. The concentration obeys `dc/dt + u . grad c = d_T lap c`, so that `c = 1`, with which The
//! Well starts, stays 1 exactly: it is not solved for. (The Well's own `c` has a standard deviation of 0.003, the
//! numerical noise of its solver.)
//!
//! # In complex form
//! With `c = 1` everything that `D`, `E` and the traceless part of `Sigma` hold is in three complex fields: the order
//! `q = <exp(2 i theta)> = D_xx - D_yy + 2 i D_xy`, the strain `e = E_xx + i E_xy` and the stress `s = Sigma_xx -
//! Sigma_yy + 2 i Sigma_xy`. The closure is one real function, `<exp(4 i theta)> = h(|q|^2) q^2`, and with the
//! vorticity `w` and `p = (1 - h |q|^2) q`
//!
//! ```text
//! dq/dt + u . grad q = i w q + e - h q^2 e* + zeta p - 4 d_R q + d_T lap q
//! s = alpha q + (beta / 2) (e + h q^2 e* - zeta p)
//! ```
//!
//! The solver is pseudo-spectral with the two-thirds rule; the Stokes equation, whose stress depends on its own
//! solution, is iterated to convergence in every evaluation.
//!
//! # Statistics
//! The Well does not publish `d_T`, `d_R` and the initial amplitudes. Here `d_T = d_R = 0.05`, unless a suite says
//! otherwise (`constants = { d_T = 0.02 }` in its `[system.generate]`), and waves with a root mean square order of 0.01
//! start the motion. Both columns are over 81 frames, `t = 0..20`: The Well's 225 trajectories, and 15 at 192^2 (`zeta`
//! = 1, 5, 9, 13, 17 and `alpha` = -1, -3, -5), as `cargo run --release -p physrep-benchmarks --example
//! active_matter_statistics -- 192 0.05 0.05 0.01` prints them.
//!
//! ```text
//!                                            The Well     here
//! std of D_xx, D_xy                        0.320 0.331   0.323 0.336
//! std of E_xx, E_xy                        0.407 0.432   0.420 0.445
//! std of u_x, u_y                          0.577 0.567   0.699 0.712
//! between frames: D_xx, E_xx, u_x    0.149 0.248 0.191   0.163 0.279 0.269
//! mean |E|, zeta = 1, 9, 17          0.515 0.724 0.753   0.574 0.738 0.758
//! mean |u|, alpha = -1, -3, -5       0.248 0.608 1.002   0.283 0.818 1.245
//! correlation, zeta = 1, 9, 17       17.75 11.65  9.80   32.64 24.25 20.66
//! ```
//!
//! Order and strain match within 5 per cent, but for the strain at `zeta = 1` (11) and the changes between frames (9
//! and 13). The velocity is a quarter too fast (its changes between frames 41 per cent too large), and the structures
//! are about twice as long: the correlation length is in 256ths of the domain, here the distance at which the
//! director's correlation along the axes falls to 1/e; how the published one is defined is not known. A smaller `d_T`
//! brings both to the published values: with 0.01, `zeta = 1` has a correlation length of 19.2 and mean |u| of 0.217,
//! 0.562 and 0.865 (160^2). Larger `d_T` (0.1) or `d_R` (0.2) lead away from them (at `zeta = 5`). Stronger and longer
//! initial waves (order 0.05, up to mode 3) make the flow faster still: mean |u| at `alpha = -3` is 1.095, not 0.831,
//! at `zeta = 1` and 0.916, not 0.905, at `zeta = 5`.
//!
//! `d_T` of the published data thus seems to lie between 0.01 and 0.03. With 0.02 (`192 0.02 0.05 0.01`: the nine runs
//! up to `zeta = 13` that this grid resolves) the standard deviations of D are 0.324 and 0.322, those of u 0.568 and
//! 0.558, mean |u| 0.234, 0.689 and 1.145, and D and u change by 0.146 and 0.203 between frames. 0.05 is the default
//! all the same, because the smaller ones need grids that no small suite has; where the grid allows it, a suite sets
//! them: `constants = { d_T = 0.02 }` under `[system.generate]`.
//!
//! # Resolution
//! Defects, `sqrt(d_T / zeta)` wide, decide which grid a solution needs. Of one trajectory each up to `t = 20` with
//! `zeta` in 0.5, 1, 2, 3 and `alpha` in -1, -3, -5,
//!
//! ```text
//! grid     runs to the end                                    largest share of <|grad q|^2> in the outer third
//! 32^2     (0.5, -1) (1, -1)                                   0.07  0.16
//! 48^2     also (2, -1) (0.5, -3) (1, -3)                      0.007 0.03  0.06 0.06 0.10
//! 64^2     also (3, -1) (2, -3) (0.5, -5) (1, -5)              below 0.06
//! 128^2    all, and at zeta = 5 all; peak |q| below 1          below 0.007, 0.014 at (5, -5)
//! 192^2    the 15 of the table above; peak |q| below 1.005            below 0.014
//! ```
//!
//! The others end with [`SolverError::Unphysical`](super::SolverError::Unphysical). At 256^2 the published extreme,
//! `zeta = 17` and `alpha = -5`, keeps `|q|` below 0.998.

mod closure;
mod constants;
mod diagnostics;
mod dynamics;
mod fields;
mod initial;
mod parameters;
mod solver;
mod stokes;
mod system;
#[cfg(test)]
mod tests;
mod trajectory;

pub use constants::{LENGTH, NAME};
pub use diagnostics::Diagnostics;
pub use fields::Fields;
pub use initial::INITIAL_ORDER;
pub use parameters::ActiveMatter;
pub use solver::{LARGEST_ORDER, STEP, Solver};
pub use system::ActiveMatterSystem;
pub use trajectory::{StoredFrame, simulate};
