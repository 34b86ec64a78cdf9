//! Depthwise convolution.

use candle_core::{Result, Tensor};

use crate::init::Init;
use crate::ops::depthwise_conv;
use crate::params::Params;

/// A depthwise convolution layer with bias, stride 1 and zero padding that keeps the size.
///
/// Parameters: `weight (C, 1, kt, kh, kw)` or `(C, 1, kh, kw)`, `bias (C)`, with PyTorch's default initialisation.
pub struct DepthwiseConv {
    weight: Tensor,
    bias: Tensor,
}

impl DepthwiseConv {
    /// A layer for `channels` channels; `kernel` are the odd sizes `[kt, kh, kw]` or `[kh, kw]`.
    pub fn new(channels: usize, kernel: &[usize], params: Params) -> Result<Self> {
        let init = Init::fan_in_uniform(kernel.iter().product());
        let shape = [&[channels, 1], kernel].concat();
        Ok(Self { weight: params.get(shape, "weight", init)?, bias: params.get(channels, "bias", init)? })
    }

    /// The layer's weight and bias.
    pub(crate) fn tensors(&self) -> [&Tensor; 2] {
        [&self.weight, &self.bias]
    }

    /// `(B, T, H, W, C)` to the same shape, or `(B, H, W, C)` for a 2-D kernel.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        depthwise_conv(x, &self.weight, &self.bias)
    }
}
