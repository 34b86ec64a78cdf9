//! Layer normalisation.

use candle_core::{Result, Tensor};

use crate::init::Init;
use crate::ops::layer_norm;
use crate::params::Params;

/// Layer normalisation over the last axis with a learned scale and shift.
///
/// Parameters: `weight (C)`, initialised to ones, and `bias (C)`, to zeros.
pub struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f64,
}

impl LayerNorm {
    /// A layer for `channels` channels; `eps` is added to the variance.
    pub fn new(channels: usize, eps: f64, params: Params) -> Result<Self> {
        Ok(Self {
            weight: params.get(channels, "weight", Init::Const(1.0))?,
            bias: params.get(channels, "bias", Init::Const(0.0))?,
            eps,
        })
    }

    /// The value that is added to variances.
    pub(crate) fn eps(&self) -> f64 {
        self.eps
    }

    /// The layer's weight and bias.
    pub(crate) fn tensors(&self) -> [&Tensor; 2] {
        [&self.weight, &self.bias]
    }

    /// `(.., C)` to the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        layer_norm(x, &self.weight, &self.bias, self.eps)
    }
}
