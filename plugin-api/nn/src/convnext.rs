//! The residual block of ConvNeXt, in three and two dimensions.

mod block;
mod mlp;

use candle_core::{Result, Tensor};

use crate::depthwise::DepthwiseConv;
use crate::linear::Linear;
use crate::norm::LayerNorm;
use crate::params::{Init, Params};

const EPS: f64 = 1e-6;

/// `x + gamma * pwconv2(gelu(pwconv1(norm(conv(x)))))`: a depthwise convolution, a normalisation
/// over the channels, and two layers that widen fourfold and narrow again.
///
/// Parameters: `gamma (C)` and those of `conv`, `norm`, `pwconv1` and `pwconv2`.
pub struct ConvNextBlock {
    conv: DepthwiseConv,
    norm: LayerNorm,
    pwconv1: Linear,
    pwconv2: Linear,
    gamma: Tensor,
}

impl ConvNextBlock {
    /// A block for `channels` channels; `kernel` as for [`DepthwiseConv::new`]. `gamma` starts at `layer_scale`; with the
    /// usual 1e-6 a new block hardly changes its input.
    pub fn new(channels: usize, kernel: &[usize], layer_scale: f64, params: Params) -> Result<Self> {
        Ok(Self {
            conv: DepthwiseConv::new(channels, kernel, params.pp("conv"))?,
            norm: LayerNorm::new(channels, EPS, params.pp("norm"))?,
            pwconv1: Linear::new(channels, 4 * channels, params.pp("pwconv1"))?,
            pwconv2: Linear::new(4 * channels, channels, params.pp("pwconv2"))?,
            gamma: params.get(channels, "gamma", Init::Const(layer_scale))?,
        })
    }

    /// `(B, T, H, W, C)` or `(B, H, W, C)` to the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let behind = [self.norm.tensors(), self.pwconv1.tensors(), self.pwconv2.tensors()];
        let behind = behind.into_iter().flatten().chain([&self.gamma]);
        let joined = |tensors: Vec<&Tensor>| {
            let flat = tensors.into_iter().map(Tensor::flatten_all).collect::<Result<Vec<_>>>()?;
            Tensor::cat(&flat, 0)
        };
        if x.device().is_cpu() {
            let [weight, bias] = self.conv.tensors();
            let parameters = joined([weight, bias].into_iter().chain(behind).collect())?;
            return block::block(x, weight.dims(), &parameters, EPS);
        }
        mlp::mlp(x, &self.conv.forward(x)?, &joined(behind.collect())?, EPS)
    }
}
