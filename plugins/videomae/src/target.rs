//! The target that the decoder predicts.

use physrep_plugin_api::{
    candle_core::{Result, Tensor},
    nn::layer_norm,
};

/// Its square is added to the variance of a tubelet.
const EPS: f64 = 1e-6;

/// Normalises each channel of each tubelet `(.., C * pixels)` by its own mean and unbiased standard deviation, so that
/// neither the mean nor the amplitude of a field dominates the loss.
pub fn normalise(tubelets: &Tensor, pixels: usize) -> Result<Tensor> {
    let count = pixels as f64;
    let scale = Tensor::full(((count - 1.0) / count).sqrt(), pixels, tubelets.device())?.to_dtype(tubelets.dtype())?;
    let rows = tubelets.reshape(((), pixels))?;
    layer_norm(&rows, &scale, &scale.zeros_like()?, EPS * EPS)?.reshape(tubelets.shape())
}
