//! The transformer block.

use candle_core::{Result, Tensor};

use super::layer_norm::LayerNorm;
use super::linear::Linear;
use super::self_attention::SelfAttention;
use crate::cuda::fused::transformer::Block;
use crate::cuda::handover::Joined;
use crate::init::Init;
use crate::ops::gelu;
use crate::ops::transformer::transformer_block;
use crate::params::Params;

/// The initialisation of weights in a vision transformer.
const WEIGHT: Init = Init::TruncNormal { std: 0.02 };
const BIAS: Init = Init::Const(0.0);

/// A pre-norm transformer block: `x + attn(norm1(x))`, then `x + mlp(norm2(x))` with GELU and four times the width
/// inside.
///
/// Parameters: those of `norm1`, `attn`, `norm2`, `mlp.fc1` and `mlp.fc2`.
pub struct TransformerBlock {
    norm1: LayerNorm,
    attention: SelfAttention,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
}

impl TransformerBlock {
    /// A block for tokens of `dim` channels; `eps` is that of both norms.
    ///
    /// # Errors
    /// If `heads` does not divide `dim`.
    pub fn new(dim: usize, heads: usize, eps: f64, params: Params) -> Result<Self> {
        let inside = params.pp("mlp");
        Ok(Self {
            norm1: LayerNorm::new(dim, eps, params.pp("norm1"))?,
            attention: SelfAttention::new(dim, heads, params.pp("attn"))?,
            norm2: LayerNorm::new(dim, eps, params.pp("norm2"))?,
            fc1: Linear::with_init(dim, 4 * dim, WEIGHT, BIAS, inside.pp("fc1"))?,
            fc2: Linear::with_init(4 * dim, dim, WEIGHT, BIAS, inside.pp("fc2"))?,
        })
    }

    /// Tokens `(B, N, D)` to the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if !x.device().is_cpu() {
            return transformer_block(x, self.parameters()?, self.block());
        }
        let x = (x + self.attention.forward(&self.norm1.forward(x)?, None)?)?;
        let hidden = gelu(&self.fc1.forward(&self.norm2.forward(&x)?)?)?;
        &x + self.fc2.forward(&hidden)?
    }

    /// All parameters, in the order of the forward pass.
    pub(crate) fn parameters(&self) -> Result<Joined> {
        let [norm1, norm2] = [self.norm1.tensors(), self.norm2.tensors()];
        let (attention, fc1, fc2) = (self.attention.tensors(), self.fc1.tensors(), self.fc2.tensors());
        Joined::new(&[&norm1[..], &attention, &norm2, &fc1, &fc2].concat())
    }

    pub(crate) fn block(&self) -> Block {
        Block { heads: self.attention.heads(), eps: self.norm1.eps() }
    }
}
