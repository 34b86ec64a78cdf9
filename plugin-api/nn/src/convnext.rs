//! The residual block of ConvNeXt, in three and two dimensions.

mod chain;
pub(crate) mod decoder;
pub(crate) mod encoder;
mod on_gpu;

use candle_core::{Result, Tensor};

use crate::depthwise::DepthwiseConv;
use crate::gradients::Joined;
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
        chain(std::slice::from_ref(self), x)
    }

    /// All parameters, the convolution's first.
    fn tensors(&self) -> [&Tensor; 9] {
        let [weight, bias] = self.conv.tensors();
        let [norm_weight, norm_bias] = self.norm.tensors();
        let ([w1, b1], [w2, b2]) = (self.pwconv1.tensors(), self.pwconv2.tensors());
        [weight, bias, norm_weight, norm_bias, w1, b1, w2, b2, &self.gamma]
    }
}

/// ConvNeXt blocks one behind the other, all of the same size.
pub struct ConvNextStage {
    blocks: Vec<ConvNextBlock>,
}

impl ConvNextStage {
    /// `count` blocks as [`ConvNextBlock::new`] makes them, with the parameters of block `i` under `i`.
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
    chain::chain(x, weight.dims(), Joined::new(&tensors)?, EPS)
}
