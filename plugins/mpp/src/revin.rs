//! Reversible instance normalisation: every clip in units of its own, and predictions back in the clip's.

use candle_core::{Result, Tensor};
use physrep_nn::precise;

/// As published; of the deviation.
const EPS: f64 = 1e-7;

/// Mean and deviation of each channel of each clip over time and space, `(B * C, 1)`, in f32 at least.
pub struct Units {
    mean: Tensor,
    deviation: Tensor,
}

/// A history `(B, C, T, H, W)` with each channel of each clip brought to mean 0 and deviation 1, and the units it had.
/// The deviation is the unbiased one.
pub fn normalise(history: &Tensor) -> Result<(Tensor, Units)> {
    let rows = precise(history)?.contiguous()?.flatten_from(2)?.flatten_to(1)?;
    let degrees = rows.dim(1)?.saturating_sub(1).max(1) as f64;
    let mean = rows.mean_keepdim(1)?;
    let from_mean = rows.broadcast_sub(&mean)?;
    let deviation = ((from_mean.sqr()?.sum_keepdim(1)? / degrees)?.sqrt()? + EPS)?;
    let normal = from_mean.broadcast_div(&deviation)?.reshape(history.shape())?.to_dtype(history.dtype())?;
    Ok((normal, Units { mean, deviation }))
}

impl Units {
    /// A frame `(B, C, H, W)` of the normalised clips in the clips' own units.
    pub fn restore(&self, frame: &Tensor) -> Result<Tensor> {
        let rows = precise(frame)?.contiguous()?.flatten_from(2)?.flatten_to(1)?;
        rows.broadcast_mul(&self.deviation)?.broadcast_add(&self.mean)?.reshape(frame.shape())
    }
}
