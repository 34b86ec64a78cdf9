//! What the decoder is to guess.

use candle_core::{Result, Tensor};
use physrep_nn::layer_norm;

/// Added, squared, to the variance of a tubelet.
const EPS: f64 = 1e-6;

/// Normalises each channel of each tubelet `(.., C * pixels)` by its own mean and (unbiased) deviation: the objective is
/// about structure, and neither the mean nor the strength of a field can dominate it.
pub fn normalise(tubelets: &Tensor, pixels: usize) -> Result<Tensor> {
    let count = pixels as f64;
    let scale = Tensor::full(((count - 1.0) / count).sqrt(), pixels, tubelets.device())?.to_dtype(tubelets.dtype())?;
    let rows = tubelets.reshape(((), pixels))?;
    layer_norm(&rows, &scale, &scale.zeros_like()?, EPS * EPS)?.reshape(tubelets.shape())
}
