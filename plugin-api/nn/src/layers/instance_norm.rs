//! Instance normalisation.

use candle_core::{Result, Tensor};

use crate::init::Init;
use crate::ops::instance_norm;
use crate::params::Params;

/// [`instance_norm`] with a learned scale and shift.
///
/// Parameters: `weight (C)`, initialised to ones, and `bias (C)`, to zeros.
pub struct InstanceNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f64,
}

impl InstanceNorm {
    /// A layer for `channels` channels; `eps` is added to the variance.
    pub fn new(channels: usize, eps: f64, params: Params) -> Result<Self> {
        Ok(Self {
            weight: params.get(channels, "weight", Init::Const(1.0))?,
            bias: params.get(channels, "bias", Init::Const(0.0))?,
            eps,
        })
    }

    /// Maps `(.., N, C)` to the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        instance_norm(x, &self.weight, &self.bias, self.eps)
    }
}
