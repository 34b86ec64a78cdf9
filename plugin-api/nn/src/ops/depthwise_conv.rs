//! Depthwise convolution: each channel with a kernel of its own, 3-D or 2-D, channels-last.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CudaStorage, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::cpu::depthwise as kernel;
use crate::cpu::storage::{by_dtype, slice, with_slice};
use crate::cuda;
use crate::cuda::plans::depthwise;
use crate::flops;
use crate::shape::{Axis, DepthwiseShape};

const OP: &str = "depthwise_conv";

/// `y[b, t, h, w, c] = bias[c] + sum over taps of x[b, t + dt, h + dh, w + dw, c] weight[c, 0, tap]`, with x zero
/// outside its bounds; differentiable in all three tensors.
///
/// `x (B, T, H, W, C)` with `weight (C, 1, kt, kh, kw)`, or `x (B, H, W, C)` with `weight (C, 1, kh, kw)`; `bias (C)`.
/// The result has the shape of x.
///
/// # Errors
/// If the shapes do not fit each other, a kernel size is even, or x is empty.
pub fn depthwise_conv(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (x5, w5) = match (x.rank(), weight.rank()) {
        (5, 5) => (x.clone(), weight.clone()),
        (4, 4) => (x.unsqueeze(1)?, weight.unsqueeze(2)?),
        _ => bail!(
            "{OP}: expected x (B, T, H, W, C) with weight (C, 1, kt, kh, kw), or x (B, H, W, C) \
             with weight (C, 1, kh, kw); got x {:?} and weight {:?}",
            x.dims(),
            weight.dims()
        ),
    };
    let shape = DepthwiseShape::new(x5.dims(), w5.dims(), bias.dims())?;
    flops::conv(&x5, &w5, &[2, 3, 4].map(|i| Axis::same(w5.dims()[i])), w5.dims()[0]);
    x5.contiguous()?.apply_op3(&w5.contiguous()?, &bias.contiguous()?, DepthwiseOp(shape))?.reshape(x.shape())
}

struct DepthwiseOp(DepthwiseShape);

impl CustomOp3 for DepthwiseOp {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!(OP, x.dtype(), T => {
            let x = slice::<T>(OP, x, x_layout)?;
            let weight = slice(OP, weight, weight_layout)?;
            let bias = slice(OP, bias, bias_layout)?;
            let y = kernel::forward(&self.0, x, weight, bias);
            Ok((T::to_cpu_storage_owned(y), x_layout.shape().clone()))
        })
    }

    fn cuda_fwd(
        &self,
        x: &CudaStorage,
        x_layout: &Layout,
        weight: &CudaStorage,
        weight_layout: &Layout,
        bias: &CudaStorage,
        bias_layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let plan = depthwise::forward(OP, &self.0)?;
        cuda::run(&plan, &[(x, x_layout), (weight, weight_layout), (bias, bias_layout)])
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        if x.device().is_cuda() {
            let dx = if x.track_op() { Some(depthwise::backward(OP, &self.0)?.on([dy, weight])?) } else { None };
            let both = depthwise::parameters(OP, &self.0)?.on([x, dy])?;
            let dweight = both.narrow(0, 0, weight.elem_count())?.reshape(weight.shape())?;
            let dbias = both.narrow(0, weight.elem_count(), bias.elem_count())?;
            return Ok((dx, Some(dweight), Some(dbias)));
        }
        by_dtype!(OP, x.dtype(), T => {
            let (dx, dweight, dbias) = with_slice::<T, _>(OP, x, |xs| {
                with_slice(OP, weight, |ws| {
                    with_slice(OP, dy, |dy| Ok(kernel::backward(&self.0, xs, ws, dy, x.track_op())))
                })
            })?;
            let device = x.device();
            Ok((
                dx.map(|dx| Tensor::from_vec(dx, x.shape(), device)).transpose()?,
                Some(Tensor::from_vec(dweight, weight.shape(), device)?),
                Some(Tensor::from_vec(dbias, bias.shape(), device)?),
            ))
        })
    }
}
