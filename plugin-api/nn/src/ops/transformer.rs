//! The transformer block as one operation, on a GPU.

use candle_core::{Result, Tensor};

use crate::cuda::fused::transformer as fused;
use crate::cuda::fused::transformer::Block;
use crate::cuda::handover::Joined;
use crate::flops;

/// `x + attn(norm1(x))`, then `x + mlp(norm2(x))`, for tokens `x (B, N, D)`; `parameters` as for
/// [`fused::transformer_block`].
pub(crate) fn transformer_block(x: &Tensor, parameters: Joined, block: Block) -> Result<Tensor> {
    let (_, tokens, dim) = x.dims3()?;
    for width in [3, 1, 4, 4] {
        flops::entered(x.elem_count() * width * dim, [x, &parameters.argument]);
    }
    for _ in ["scores", "values"] {
        flops::entered(x.elem_count() * tokens, [x, &parameters.argument]);
    }
    fused::transformer_block(x, parameters, block)
}
