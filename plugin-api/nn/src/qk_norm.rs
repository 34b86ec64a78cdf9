//! Queries and keys that are normalised head by head before they meet, which keeps scores in bounds (arXiv:2302.05442).

use candle_core::{Result, Tensor};

use crate::norm::LayerNorm;
use crate::params::Params;
use crate::swap::swap_axes;

/// The norms of one attention layer.
pub struct QkNorm {
    heads: usize,
    queries: LayerNorm,
    keys: LayerNorm,
}

impl QkNorm {
    /// Norms for `heads` heads of tokens of `dim` channels, a multiple of `heads`; `eps` is added to variances.
    ///
    /// Parameters of queries and keys, each: `weight (D / heads)`, `bias (D / heads)`.
    pub fn new(dim: usize, heads: usize, eps: f64, queries: Params, keys: Params) -> Result<Self> {
        let per_head = dim / heads;
        Ok(Self { heads, queries: LayerNorm::new(per_head, eps, queries)?, keys: LayerNorm::new(per_head, eps, keys)? })
    }

    /// Queries, keys and values, each `(.., D)`, to what [`self_attention`](crate::self_attention()) reads, `(.., 3 D)`.
    pub fn join(&self, [queries, keys, values]: [Tensor; 3]) -> Result<Tensor> {
        let shape = values.dims().to_vec();
        let dim = shape[shape.len() - 1];
        let by_head = |x: Tensor, norm: &LayerNorm| norm.forward(&x.reshape(((), dim / self.heads))?);
        let parts = [by_head(queries, &self.queries)?, by_head(keys, &self.keys)?, values];
        let [queries, keys, values] = parts.map(|part| part.reshape((1, (), dim)));
        // One after the other and then swapped: joined along the last axis, the gradients of the parts would be strided.
        let rows = swap_axes(&Tensor::cat(&[queries?, keys?, values?], 0)?.unsqueeze(0)?)?;
        rows.reshape([&shape[..shape.len() - 1], &[3 * dim]].concat())
    }
}
