//! Normalisation of queries and keys, head by head, which bounds the scores of attention (arXiv:2302.05442).

use candle_core::{Result, Tensor};

use super::layer_norm::LayerNorm;
use crate::ops::swap_axes;
use crate::params::Params;

/// The layer norms of the queries and keys of one attention layer.
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

    /// Queries, keys and values, each `(.., D)`, to the input `(.., 3 D)` of
    /// [`self_attention`](crate::self_attention()).
    pub fn join(&self, [queries, keys, values]: [Tensor; 3]) -> Result<Tensor> {
        let shape = values.dims().to_vec();
        let dim = shape[shape.len() - 1];
        let by_head = |x: Tensor, norm: &LayerNorm| norm.forward(&x.reshape(((), dim / self.heads))?);
        let parts = [by_head(queries, &self.queries)?, by_head(keys, &self.keys)?, values];
        let [queries, keys, values] = parts.map(|part| part.reshape((1, (), dim)));
        // Concatenated along the first axis, then swapped: concatenated along the last, the gradients of the parts
        // would be strided.
        let rows = swap_axes(&Tensor::cat(&[queries?, keys?, values?], 0)?.unsqueeze(0)?)?;
        rows.reshape([&shape[..shape.len() - 1], &[3 * dim]].concat())
    }
}
