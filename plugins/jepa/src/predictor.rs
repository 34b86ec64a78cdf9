//! The predictor: from the embedding of a clip to that of the clip that follows.

use physrep_plugin_api::{
    Params,
    candle_core::{Result, Tensor},
    nn::{Axis, Conv, ConvNextBlock},
};

/// The predictor of arXiv:2603.13227: a convolution to twice the channels, a ConvNeXt block, and a convolution back.
///
/// Parameters: `conv.0`, `conv.1` and `conv.2`.
pub struct Predictor {
    widen: Conv,
    block: ConvNextBlock,
    narrow: Conv,
}

impl Predictor {
    /// A predictor for embeddings of `dim` channels; the block's scale starts at `layer_scale`.
    pub fn new(dim: usize, layer_scale: f64, params: Params) -> Result<Self> {
        let params = params.pp("conv");
        // With kernels of size 2 the first convolution grows the map by one position and the last shrinks it again.
        let grow = [Axis::padded(2, 1); 2];
        let shrink = [Axis::padded(2, 0); 2];
        Ok(Self {
            widen: Conv::new(dim, 2 * dim, &grow, params.pp(0))?,
            block: ConvNextBlock::new(2 * dim, &[7, 7], layer_scale, params.pp(1))?,
            narrow: Conv::new(2 * dim, dim, &shrink, params.pp(2))?,
        })
    }

    /// Embeddings `(B, H, W, D)` to the same shape.
    pub fn forward(&self, embedding: &Tensor) -> Result<Tensor> {
        let x = self.block.forward(&self.widen.forward(embedding)?)?;
        self.narrow.forward(&x)
    }
}
