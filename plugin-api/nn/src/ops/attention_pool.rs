//! Attention of learned queries that are the same for every sample, as in a pooling head.

use std::sync::OnceLock;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};

use super::precise::precise;
use super::softmax::softmax;
use crate::cpu::attention_pool::Pool;
use crate::cpu::storage::{by_dtype, slice, with_slice};
use crate::flops;

const OP: &str = "attention_pool";

/// Means of each sample's tokens `x_t` with the weights `softmax_t(q_h . x_t)`, one mean per query `q_h`;
/// differentiable in both tensors.
///
/// `queries (H, D)`, already scaled, and `tokens (B, N, D)` give `(B, H, D)`.
///
/// # Errors
/// If the shapes do not fit, or are empty.
pub fn attention_pool(queries: &Tensor, tokens: &Tensor) -> Result<Tensor> {
    let ((heads, dim), (_, count, width)) = (queries.dims2()?, tokens.dims3()?);
    if width != dim || queries.elem_count() == 0 || tokens.elem_count() == 0 {
        bail!("{OP}: expected queries (H, D) and tokens (B, N, D), got {:?} and {:?}", queries.dims(), tokens.dims());
    }
    for _ in ["scores", "means"] {
        flops::entered(tokens.elem_count() * heads, [queries, tokens]);
    }
    if !tokens.device().is_cpu() {
        // In f32: with bf16 weights, means and gradients that sum over all tokens of a batch would lose a digit.
        let (queries, all) = (precise(queries)?, precise(tokens)?);
        let weights = softmax(&all.broadcast_matmul(&queries.t()?)?.transpose(1, 2)?.contiguous()?)?;
        return weights.matmul(&all)?.to_dtype(tokens.dtype());
    }
    let pool = Pool { heads, tokens: count, dim };
    let op = PoolOp { pool, weights: OnceLock::new() };
    queries.contiguous()?.apply_op2(&tokens.contiguous()?, op)
}

struct PoolOp {
    pool: Pool,
    /// The softmax `(B, N, H)`, from the forward pass.
    weights: OnceLock<CpuStorage>,
}

impl CustomOp2 for PoolOp {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        queries: &CpuStorage,
        queries_layout: &Layout,
        tokens: &CpuStorage,
        tokens_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!(OP, tokens.dtype(), T => {
            let tokens = slice::<T>(OP, tokens, tokens_layout)?;
            let (means, weights) = self.pool.forward(slice(OP, queries, queries_layout)?, tokens);
            self.weights.get_or_init(|| T::to_cpu_storage_owned(weights));
            let batch = tokens.len() / (self.pool.tokens * self.pool.dim);
            Ok((T::to_cpu_storage_owned(means), Shape::from((batch, self.pool.heads, self.pool.dim))))
        })
    }

    fn bwd(
        &self,
        queries: &Tensor,
        tokens: &Tensor,
        _means: &Tensor,
        dmeans: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let Some(weights) = self.weights.get() else { bail!("{OP}: the backward pass ran before the forward pass") };
        by_dtype!(OP, tokens.dtype(), T => {
            let weights = T::cpu_storage_as_slice(weights)?;
            let (dqueries, dtokens) = with_slice::<T, _>(OP, queries, |queries| {
                with_slice(OP, tokens, |xs| {
                    with_slice(OP, dmeans, |dmeans| Ok(self.pool.backward(queries, xs, weights, dmeans, tokens.track_op())))
                })
            })?;
            let device = tokens.device();
            Ok((
                Some(Tensor::from_vec(dqueries, queries.shape(), device)?),
                dtokens.map(|dtokens| Tensor::from_vec(dtokens, tokens.shape(), device)).transpose()?,
            ))
        })
    }
}
