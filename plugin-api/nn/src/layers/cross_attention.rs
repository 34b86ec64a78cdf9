//! Multi-head attention of a few query tokens over many tokens.

use candle_core::{Result, Tensor, bail};

use super::linear::Linear;
use crate::flops;
use crate::init::Init;
use crate::ops::softmax;
use crate::params::Params;

/// Cross-attention without an output projection, as in the pooling head of arXiv:2603.13227.
///
/// Parameters: `q.weight (D, D)`, `q.bias (D)`, `kv.weight (2 D, D)` (keys first), `kv.bias (2 D)`;
/// weights are drawn from a normal distribution of standard deviation 0.02, biases are zero.
pub struct CrossAttention {
    heads: usize,
    q: Linear,
    kv: Linear,
}

impl CrossAttention {
    /// Attention between tokens of `dim` channels with `heads` heads.
    ///
    /// # Errors
    /// If `heads` does not divide `dim`.
    pub fn new(dim: usize, heads: usize, params: Params) -> Result<Self> {
        if heads == 0 || !dim.is_multiple_of(heads) {
            bail!("cross-attention: {heads} heads do not divide {dim} channels");
        }
        let (weight, bias) = (Init::TruncNormal { std: 0.02 }, Init::Const(0.0));
        Ok(Self {
            heads,
            q: Linear::with_init(dim, dim, weight, bias, params.pp("q"))?,
            kv: Linear::with_init(dim, 2 * dim, weight, bias, params.pp("kv"))?,
        })
    }

    /// Attention of `queries (B, Q, D)` over `tokens (B, N, D)`: `(B, Q, D)`.
    pub fn forward(&self, queries: &Tensor, tokens: &Tensor) -> Result<Tensor> {
        let (batch, count, dim) = queries.dims3()?;
        let (_, tokens_count, _) = tokens.dims3()?;
        let per_head = dim / self.heads;
        let q = self.q.forward(queries)?;
        let q = q.reshape((batch, count, self.heads, per_head))?.transpose(1, 2)?.contiguous()?;
        let kv = self.kv.forward(tokens)?;
        let kv = kv.reshape((batch, tokens_count, 2, self.heads, per_head))?.permute((2, 0, 3, 1, 4))?.contiguous()?;
        let (k, v) = (kv.get(0)?, kv.get(1)?);
        flops::matmul(&q, &k.t()?);
        let logits = (q.matmul(&k.t()?)? * (per_head as f64).powf(-0.5))?;
        let weights = softmax(&logits)?;
        flops::matmul(&weights, &v);
        let heads = weights.matmul(&v)?;
        heads.transpose(1, 2)?.reshape((batch, count, dim))
    }
}
