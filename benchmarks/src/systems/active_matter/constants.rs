//! The system's name, its domain and its limits.

use crate::systems::checks::Checks;

/// The system's name in The Well and in every error.
pub const NAME: &str = "active_matter";
/// Length `L` of The Well's periodic domain along `x` and `y`.
pub const LENGTH: f64 = 10.0;
/// Diffusivities `d_T` and `d_R`, which The Well does not publish.
pub(super) const DIFFUSIVITY: f64 = 0.05;

/// The largest parameter that is accepted; the published ones end at 17.
pub(super) const LARGEST: f64 = 1e3;

/// Checks of what this system's solver is given; with fewer points than these, the initial waves do not fit.
pub(super) const CHECKS: Checks = Checks { system: NAME, smallest_axis: 16 };
