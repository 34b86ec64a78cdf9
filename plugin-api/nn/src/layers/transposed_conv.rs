//! Transposed convolution.

use candle_core::{Result, Tensor};

use crate::init::Init;
use crate::ops::transposed_conv;
use crate::params::Params;

/// A transposed convolution with a stride equal to its kernel: every position becomes a patch of positions.
///
/// Parameters: `weight (I, O, kt, kh, kw)`, `bias (O)`, with PyTorch's default initialisation.
pub struct TransposedConv {
    weight: Tensor,
    bias: Tensor,
}

impl TransposedConv {
    /// A layer from `inputs` to `outputs` channels; `patch` is the size of a patch along time, height and width.
    pub fn new(inputs: usize, outputs: usize, patch: [usize; 3], params: Params) -> Result<Self> {
        let [t, h, w] = patch;
        // PyTorch computes the fan-in from the second axis, here the outputs, for transposed convolutions too.
        let init = Init::fan_in_uniform(outputs * t * h * w);
        Ok(Self {
            weight: params.get((inputs, outputs, t, h, w), "weight", init)?,
            bias: params.get(outputs, "bias", init)?,
        })
    }

    /// `(B, T, H, W, I)` to `(B, kt T, kh H, kw W, O)`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        transposed_conv(x, &self.weight, &self.bias)
    }
}
