//! Multi-head self-attention.

use candle_core::{Result, Tensor, bail};

use super::linear::Linear;
use crate::init::Init;
use crate::ops::{linear, self_attention};
use crate::params::Params;

/// The initialisation of weights in a vision transformer.
const WEIGHT: Init = Init::TruncNormal { std: 0.02 };
const BIAS: Init = Init::Const(0.0);

/// Multi-head self-attention with an output projection. As in VideoMAE (arXiv:2203.12602), queries and values have a
/// bias; keys have none, since it would cancel in the softmax.
///
/// Parameters: `qkv.weight (3 D, D)`, `q_bias (D)`, `v_bias (D)`, `proj.weight (D, D)`, `proj.bias (D)`.
pub struct SelfAttention {
    heads: usize,
    qkv: Tensor,
    q_bias: Tensor,
    v_bias: Tensor,
    proj: Linear,
}

impl SelfAttention {
    /// Attention between tokens of `dim` channels with `heads` heads.
    ///
    /// # Errors
    /// If `heads` does not divide `dim`.
    pub fn new(dim: usize, heads: usize, params: Params) -> Result<Self> {
        if heads == 0 || !dim.is_multiple_of(heads) {
            bail!("self-attention: {heads} heads do not divide {dim} channels");
        }
        Ok(Self {
            heads,
            qkv: params.pp("qkv").get((3 * dim, dim), "weight", WEIGHT)?,
            q_bias: params.get(dim, "q_bias", BIAS)?,
            v_bias: params.get(dim, "v_bias", BIAS)?,
            proj: Linear::with_init(dim, dim, WEIGHT, BIAS, params.pp("proj"))?,
        })
    }

    /// Tokens `(B, N, D)` to the same shape; `bias (heads, N, N)`, if any, is added to the scores.
    pub fn forward(&self, x: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let all = Tensor::cat(&[&self.q_bias, &self.q_bias.zeros_like()?, &self.v_bias], 0)?;
        self.proj.forward(&self_attention(&linear(x, &self.qkv, &all)?, bias, self.heads)?)
    }

    /// The number of heads.
    pub(super) fn heads(&self) -> usize {
        self.heads
    }

    /// `qkv.weight`, `q_bias`, `v_bias`, `proj.weight` and `proj.bias`.
    pub(super) fn tensors(&self) -> [&Tensor; 5] {
        let [weight, bias] = self.proj.tensors();
        [&self.qkv, &self.q_bias, &self.v_bias, weight, bias]
    }
}
