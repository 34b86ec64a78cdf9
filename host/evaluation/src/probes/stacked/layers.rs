//! Layers with parameters for each fit.

use candle_core::{Result, Tensor};

use super::parameters::StackedParameters;

/// A linear map for each fit.
pub(super) struct StackedLinear {
    /// `(fits, outputs, inputs)`.
    pub(super) weight: Tensor,
    /// `(fits, 1, outputs)`.
    pub(super) bias: Tensor,
}

impl StackedLinear {
    /// The map with the parameters `NAME.weight` and `NAME.bias`.
    pub(super) fn new(parameters: &StackedParameters, name: &str) -> Result<Self> {
        let weight = parameters.get(&format!("{name}.weight"));
        Ok(Self { weight, bias: parameters.get(&format!("{name}.bias")).unsqueeze(1)? })
    }

    /// `(fits, B, inputs)` to `(fits, B, outputs)`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.matmul(&self.weight.t()?)?.broadcast_add(&self.bias)
    }
}
