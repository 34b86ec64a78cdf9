//! Softmax.

use candle_core::{D, Result, Tensor};

/// Softmax over the last axis, composed of differentiable operations. (The fused one of candle-nn has no backward pass,
/// and cuts the graph without an error.)
pub fn softmax(x: &Tensor) -> Result<Tensor> {
    let largest = x.max_keepdim(D::Minus1)?.detach();
    let exp = x.broadcast_sub(&largest)?.exp()?;
    exp.broadcast_div(&exp.sum_keepdim(D::Minus1)?)
}
