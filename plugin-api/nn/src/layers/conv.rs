//! Dense convolution.

use candle_core::{Result, Tensor};

use super::layer_norm::LayerNorm;
use crate::cuda::fused::conv_norm::ConvNormParameters;
use crate::init::Init;
use crate::ops::conv;
use crate::ops::conv_norm::{conv_then_norm, norm_then_conv};
use crate::params::Params;
use crate::shape::Axis;

/// A dense convolution layer with bias.
///
/// Parameters: `weight (O, I, kt, kh, kw)` or `(O, I, kh, kw)`, `bias (O)`, with PyTorch's default initialisation.
pub struct Conv {
    axes: Vec<Axis>,
    weight: Tensor,
    bias: Tensor,
}

impl Conv {
    /// A layer from `inputs` to `outputs` channels; `axes` are those of time, height and width, or of height and
    /// width.
    pub fn new(inputs: usize, outputs: usize, axes: &[Axis], params: Params) -> Result<Self> {
        let kernel: Vec<usize> = axes.iter().map(|axis| axis.kernel).collect();
        let init = Init::fan_in_uniform(inputs * kernel.iter().product::<usize>());
        let shape = [&[outputs, inputs], kernel.as_slice()].concat();
        Ok(Self {
            axes: axes.to_vec(),
            weight: params.get(shape, "weight", init)?,
            bias: params.get(outputs, "bias", init)?,
        })
    }

    /// `(B, T, H, W, I)` to `(B, T', H', W', O)`, or `(B, H, W, I)` to `(B, H', W', O)`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        conv(x, &self.weight, &self.bias, &self.axes)
    }

    /// `norm` of the convolution of x; shapes as for [`forward`](Self::forward).
    pub(super) fn forward_then_norm(&self, norm: &LayerNorm, x: &Tensor) -> Result<Tensor> {
        conv_then_norm(x, self.with(norm), &self.axes, norm.eps())
    }

    /// The convolution of `norm` of x; shapes as for [`forward`](Self::forward).
    pub(super) fn forward_after_norm(&self, norm: &LayerNorm, x: &Tensor) -> Result<Tensor> {
        norm_then_conv(x, self.with(norm), &self.axes, norm.eps())
    }

    fn with<'a>(&'a self, norm: &'a LayerNorm) -> ConvNormParameters<'a> {
        let [scale, shift] = norm.tensors();
        ConvNormParameters { weight: &self.weight, bias: &self.bias, scale, shift }
    }
}
