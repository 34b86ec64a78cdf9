//! A sequence of ConvNeXt blocks as one operation.
//!
//! Gradients are passed directly from block to block. As separate nodes, the autograd graph would clear a tensor for
//! each of them, and add to it.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::cpu::convnext::Chain;
use crate::cpu::storage::{by_dtype, slice, with_slice};
use crate::cuda::fused::convnext as fused;
use crate::cuda::handover::Joined;
use crate::flops;
use crate::shape::{Axis, DepthwiseShape};

const OP: &str = "convnext";

/// `x + gamma * (w2 gelu(w1 layer_norm(conv(x)) + b1) + b2)`, once for each block in the parameters; differentiable in
/// both.
///
/// `x (B, T, H, W, C)` is for convolutions with a `weight` of shape `(C, 1, kt, kh, kw)`, `x (B, H, W, C)` with
/// `(C, 1, kh, kw)`. `parameters` holds, block by block, the elements of that weight and of its bias `(C)`, then those
/// of the rest of the block, concatenated.
pub(crate) fn chain(x: &Tensor, weight: &[usize], joined: Joined, eps: f64) -> Result<Tensor> {
    let shape = match (x.dims(), weight) {
        (dims @ &[_, _, _, _, c], &[_, _, _, _, _]) => DepthwiseShape::new(dims, weight, &[c])?,
        (&[b, h, w, c], &[o, i, kh, kw]) => DepthwiseShape::new(&[b, 1, h, w, c], &[o, i, 1, kh, kw], &[c])?,
        (dims, _) => bail!("{OP}: x {dims:?} does not fit a convolution with weight {weight:?}"),
    };
    let parameters = &joined.values;
    let keep = x.track_op() || joined.argument.track_op();
    let chain = Chain::new(shape, eps, keep);
    let each = chain.parameters();
    if parameters.rank() != 1 || parameters.elem_count() == 0 || !parameters.elem_count().is_multiple_of(each) {
        bail!("{OP}: expected {each} parameters per block, got {:?}", parameters.dims());
    }
    let fields = if x.rank() == 4 { x.unsqueeze(1)? } else { x.clone() };
    for _ in 0..parameters.elem_count() / each {
        flops::conv(&fields, &joined.argument, &shape.kernel.map(Axis::same), weight[0]);
        flops::entered(8 * weight[0] * x.elem_count(), [x, &joined.argument]);
    }
    let x = x.contiguous()?;
    if x.device().is_cpu() {
        x.apply_op2(&joined.argument.contiguous()?, chain)
    } else {
        fused::chain(&x, joined, fused::Blocks::new(shape, eps))
    }
}

impl CustomOp2 for Chain {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        parameters: &CpuStorage,
        parameters_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!(OP, x.dtype(), T => {
            let y = self.forward::<T>(slice(OP, x, x_layout)?, slice(OP, parameters, parameters_layout)?);
            Ok((T::to_cpu_storage_owned(y), x_layout.shape().clone()))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        parameters: &Tensor,
        _y: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        by_dtype!(OP, x.dtype(), T => {
            let (dx, dparameters) = with_slice::<T, _>(OP, x, |x| {
                with_slice(OP, parameters, |p| with_slice(OP, gradient, |g| self.backward(x, p, g)))
            })?;
            let device = x.device();
            Ok((
                Some(Tensor::from_vec(dx, x.shape(), device)?),
                Some(Tensor::from_vec(dparameters, parameters.shape(), device)?),
            ))
        })
    }
}
