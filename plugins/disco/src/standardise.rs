//! Fields with mean 0 and deviation 1.

use candle_core::{Result, Tensor};

/// Added to a variance, so that a field that is the same everywhere stays finite.
const EPS: f64 = 1e-7;

/// Fields in units of their own deviation, and what gives them back.
pub struct Standardised {
    /// The fields, with mean 0 and deviation 1.
    pub normal: Tensor,
    /// Their means, `(B, C, 1)`.
    pub mean: Tensor,
    /// Their deviations, `(B, C, 1)`.
    pub deviation: Tensor,
}

/// Standardises `x (B, C, N)` over its N points.
pub fn standardise(x: &Tensor) -> Result<Standardised> {
    let mean = x.mean_keepdim(2)?;
    let centred = x.broadcast_sub(&mean)?;
    let deviation = (centred.sqr()?.mean_keepdim(2)? + EPS)?.sqrt()?;
    Ok(Standardised { normal: centred.broadcast_div(&deviation)?, mean, deviation })
}
