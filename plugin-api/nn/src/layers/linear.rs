//! The fully connected layer.

use candle_core::{Result, Tensor};

use crate::init::Init;
use crate::ops::linear;
use crate::params::Params;

/// `y = x weight^T + bias` on the last axis.
///
/// Parameters: `weight (out, in)`, `bias (out)`.
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// A layer with PyTorch's default initialisation.
    pub fn new(inputs: usize, outputs: usize, params: Params) -> Result<Self> {
        let init = Init::fan_in_uniform(inputs);
        Self::with_init(inputs, outputs, init, init, params)
    }

    /// A layer with its own initialisation of weight and bias.
    pub fn with_init(inputs: usize, outputs: usize, weight: Init, bias: Init, params: Params) -> Result<Self> {
        Ok(Self { weight: params.get((outputs, inputs), "weight", weight)?, bias: params.get(outputs, "bias", bias)? })
    }

    /// The layer's weight and bias.
    pub(crate) fn tensors(&self) -> [&Tensor; 2] {
        [&self.weight, &self.bias]
    }

    /// `(.., in)` to `(.., out)`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        linear(x, &self.weight, &self.bias)
    }
}
