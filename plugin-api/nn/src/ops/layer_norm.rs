//! Layer normalisation over the channels.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CudaStorage, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::cpu::layer_norm as kernel;
use crate::cpu::storage::{by_dtype, slice, with_slice};
use crate::cuda;
use crate::cuda::handover::hand_over;
use crate::cuda::plans::layer_norm as plans;

const OP: &str = "layer_norm";

/// `(x - mean) / sqrt(variance + eps) * weight + bias`, with mean and (biased) variance over the
/// last axis; differentiable in all three tensors. `x (.., C)`, `weight (C)`, `bias (C)`.
///
/// # Errors
/// If the shapes do not fit.
pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    let channels = x.dims().last().copied().unwrap_or(0);
    if channels == 0 || weight.dims() != [channels] || bias.dims() != [channels] {
        bail!(
            "{OP}: expected x (.., C), weight (C) and bias (C), got {:?}, {:?} and {:?}",
            x.dims(),
            weight.dims(),
            bias.dims()
        );
    }
    let (weight, bias) = (weight.contiguous()?, bias.contiguous()?);
    x.contiguous()?.apply_op3(&weight, &bias, LayerNormOp { eps })
}

struct LayerNormOp {
    eps: f64,
}

impl CustomOp3 for LayerNormOp {
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
            let y = kernel::forward(x, weight, bias, self.eps);
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
        let plan = plans::forward(OP, x_layout.dims(), self.eps)?;
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
            let [dx, both] = plans::backward(OP, x.dims(), self.eps)?.outputs_on([x, weight, dy])?;
            return Ok((Some(dx), hand_over(weight, Some(both.get(0)?))?, hand_over(bias, Some(both.get(1)?))?));
        }
        by_dtype!(OP, x.dtype(), T => {
            let (dx, dweight, dbias) = with_slice::<T, _>(OP, x, |x| {
                with_slice(OP, weight, |weight| {
                    with_slice(OP, dy, |dy| Ok(kernel::backward(x, weight, dy, self.eps)))
                })
            })?;
            let device = x.device();
            Ok((
                Some(Tensor::from_vec(dx, x.shape(), device)?),
                Some(Tensor::from_vec(dweight, weight.shape(), device)?),
                Some(Tensor::from_vec(dbias, bias.shape(), device)?),
            ))
        })
    }
}
