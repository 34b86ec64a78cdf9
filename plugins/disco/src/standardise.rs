//! Standardised fields: mean 0 and standard deviation 1.

use physrep_plugin_api::candle_core::{Result, Tensor};

/// Added to the variance, so that a uniform field stays finite.
const EPS: f64 = 1e-7;

/// Standardised fields, and the statistics that invert the standardisation.
pub struct Standardised {
    /// The fields, with mean 0 and standard deviation 1.
    pub normal: Tensor,
    /// Their means, `(B, C, 1)`.
    pub mean: Tensor,
    /// Their standard deviations, `(B, C, 1)`.
    pub std: Tensor,
}

/// Standardises `x (B, C, N)` over its N points.
pub fn standardise(x: &Tensor) -> Result<Standardised> {
    let mean = x.mean_keepdim(2)?;
    let centred = x.broadcast_sub(&mean)?;
    let std = (centred.sqr()?.mean_keepdim(2)? + EPS)?.sqrt()?;
    Ok(Standardised { normal: centred.broadcast_div(&std)?, mean, std })
}
