//! The residual block of ConvNeXt, in three and two dimensions.

use candle_core::{Result, Tensor};

use super::depthwise_conv::DepthwiseConv;
use super::layer_norm::LayerNorm;
use super::linear::Linear;
use crate::cuda::handover::Joined;
use crate::init::Init;
use crate::ops;
use crate::params::Params;

const EPS: f64 = 1e-6;

/// `x + gamma * pwconv2(gelu(pwconv1(norm(conv(x)))))`: a depthwise convolution, a layer normalisation, and two linear
/// layers that widen fourfold and narrow again.
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
    /// A block for `channels` channels; `kernel` as for [`DepthwiseConv::new`]. `gamma` is initialised to
    /// `layer_scale`; with the usual 1e-6 a new block is close to the identity.
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
        chain(std::slice::from_ref(self), x)
    }

    /// All parameters, in the order of the forward pass.
    fn tensors(&self) -> [&Tensor; 9] {
        let [weight, bias] = self.conv.tensors();
        let [norm_weight, norm_bias] = self.norm.tensors();
        let ([w1, b1], [w2, b2]) = (self.pwconv1.tensors(), self.pwconv2.tensors());
        [weight, bias, norm_weight, norm_bias, w1, b1, w2, b2, &self.gamma]
    }
}

/// A sequence of ConvNeXt blocks of the same shape.
pub struct ConvNextStage {
    blocks: Vec<ConvNextBlock>,
}

impl ConvNextStage {
    /// `count` blocks; arguments as for [`ConvNextBlock::new`]. The parameters of block `i` are under `i`.
    pub fn new(count: usize, channels: usize, kernel: &[usize], layer_scale: f64, params: Params) -> Result<Self> {
        let block = |i| ConvNextBlock::new(channels, kernel, layer_scale, params.pp(i));
        Ok(Self { blocks: (0..count).map(block).collect::<Result<_>>()? })
    }

    /// `(B, T, H, W, C)` or `(B, H, W, C)` to the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        chain(&self.blocks, x)
    }
}

/// `x` after all `blocks`.
fn chain(blocks: &[ConvNextBlock], x: &Tensor) -> Result<Tensor> {
    let Some(first) = blocks.first() else { return Ok(x.clone()) };
    let [weight, ..] = first.tensors();
    let tensors: Vec<&Tensor> = blocks.iter().flat_map(ConvNextBlock::tensors).collect();
    ops::convnext::chain(x, weight.dims(), Joined::new(&tensors)?, EPS)
}
