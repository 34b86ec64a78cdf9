//! Multi-head cross-attention: a few query tokens read from many tokens.

use candle_core::{D, Result, Tensor, bail};

use crate::linear::Linear;
use crate::params::{Init, Params};

/// Cross-attention without an output projection, as the pooling head of arXiv:2603.13227 has it.
///
/// Parameters: `q.weight (D, D)`, `q.bias (D)`, `kv.weight (2 D, D)` (keys first), `kv.bias (2 D)`;
/// weights from a normal distribution of deviation 0.02, biases zero.
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

    /// What `queries (B, Q, D)` read from `tokens (B, N, D)`: `(B, Q, D)`.
    pub fn forward(&self, queries: &Tensor, tokens: &Tensor) -> Result<Tensor> {
        let (batch, count, dim) = queries.dims3()?;
        let (_, tokens_count, _) = tokens.dims3()?;
        let per_head = dim / self.heads;
        let q = self.q.forward(queries)?;
        let q = q.reshape((batch, count, self.heads, per_head))?.transpose(1, 2)?.contiguous()?;
        let kv = self.kv.forward(tokens)?;
        let kv = kv.reshape((batch, tokens_count, 2, self.heads, per_head))?.permute((2, 0, 3, 1, 4))?.contiguous()?;
        let (k, v) = (kv.get(0)?, kv.get(1)?);
        crate::flops::matmul(&q, &k.t()?);
        let logits = (q.matmul(&k.t()?)? * (per_head as f64).powf(-0.5))?;
        let weights = softmax(&logits)?;
        crate::flops::matmul(&weights, &v);
        let read = weights.matmul(&v)?;
        read.transpose(1, 2)?.reshape((batch, count, dim))
    }
}

/// Softmax over the last axis, made of operations that have gradients (the fused one of candle-nn
/// has none and ends training silently).
pub fn softmax(x: &Tensor) -> Result<Tensor> {
    let largest = x.max_keepdim(D::Minus1)?.detach();
    let exp = x.broadcast_sub(&largest)?.exp()?;
    exp.broadcast_div(&exp.sum_keepdim(D::Minus1)?)
}
