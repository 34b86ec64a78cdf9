//! The system's name, its domain and its limits.

use crate::systems::checks::Checks;

/// The system's name in The Well and in every error.
pub const NAME: &str = "shear_flow";
/// Lengths of the periodic domain along `x` and `y`.
pub const LENGTHS: [f64; 2] = [1.0, 2.0];
/// The domain's lower corner.
pub const ORIGIN: [f64; 2] = [0.0, -1.0];

/// Checks of what this system's solver is given.
pub(super) const CHECKS: Checks = Checks { system: NAME, smallest_axis: 8 };
