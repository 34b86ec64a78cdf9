//! Reversible instance normalisation: each clip is normalised by its own statistics, and predictions are scaled back.

use physrep_plugin_api::{
    candle_core::{Result, Tensor},
    nn::precise,
};

/// Added to the standard deviation, as published.
const EPS: f64 = 1e-7;

/// Mean and standard deviation of each channel of each clip over time and space, `(B * C, 1)`, in f32 or f64.
pub struct Units {
    mean: Tensor,
    std: Tensor,
}

/// Normalises each channel of each clip of a history `(B, C, T, H, W)` to mean 0 and unbiased standard deviation 1, and
/// returns the units to scale back with.
pub fn normalise(history: &Tensor) -> Result<(Tensor, Units)> {
    let rows = precise(history)?.contiguous()?.flatten_from(2)?.flatten_to(1)?;
    let degrees = rows.dim(1)?.saturating_sub(1).max(1) as f64;
    let mean = rows.mean_keepdim(1)?;
    let from_mean = rows.broadcast_sub(&mean)?;
    let std = ((from_mean.sqr()?.sum_keepdim(1)? / degrees)?.sqrt()? + EPS)?;
    let normal = from_mean.broadcast_div(&std)?.reshape(history.shape())?.to_dtype(history.dtype())?;
    Ok((normal, Units { mean, std }))
}

impl Units {
    /// Scales a normalised frame `(B, C, H, W)` back to the clips' own units.
    pub fn restore(&self, frame: &Tensor) -> Result<Tensor> {
        let rows = precise(frame)?.contiguous()?.flatten_from(2)?.flatten_to(1)?;
        rows.broadcast_mul(&self.std)?.broadcast_add(&self.mean)?.reshape(frame.shape())
    }
}
