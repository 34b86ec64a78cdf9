//! Instance normalisation: each channel of a map over the positions of the map.
//!
//! Maps are channels-last, `(.., N, C)`, with all positions along one axis.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CudaStorage, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::cpu::instance_norm::InstanceNorm;
use crate::cpu::storage::{by_dtype, slice, with_slice};
use crate::cuda;
use crate::cuda::handover::hand_over;
use crate::cuda::plans::instance_norm as plans;
use crate::shape::InstanceNormScheme;

const OP: &str = "instance_norm";

/// `(x - mean) / sqrt(variance + eps) * weight + bias`, with mean and (biased) variance of each channel over the `N`
/// positions of its map; differentiable in all three tensors. `x (.., N, C)`, `weight (C)`, `bias (C)`.
///
/// # Errors
/// If the shapes do not fit, or are empty.
pub fn instance_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    normalise(x, weight, Some(bias), InstanceNormScheme { centred: true, eps })
}

/// `x / (standard deviation + eps) * weight`, with the (unbiased) standard deviation of each channel over the `N`
/// positions of its map; differentiable in both tensors. `x (.., N, C)` with `N` at least 2, `weight (C)`.
///
/// This is the "RMS" instance norm of Multiple Physics Pretraining (arXiv:2310.02994): the mean stays in the map, and
/// the divisor does not depend on it. The standard deviation counts as at least 2^-20 of the mean's magnitude, so that a field at rest
/// stays finite through many such norms.
///
/// # Errors
/// If the shapes do not fit, or are empty.
pub fn rms_instance_norm(x: &Tensor, weight: &Tensor, eps: f64) -> Result<Tensor> {
    normalise(x, weight, None, InstanceNormScheme { centred: false, eps })
}

fn normalise(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, scheme: InstanceNormScheme) -> Result<Tensor> {
    let least = if scheme.centred { 1 } else { 2 };
    let (positions, channels) = match *x.dims() {
        [.., n, c] if n >= least && x.elem_count() > 0 => (n, c),
        _ => bail!("{OP}: expected maps (.., N, C) with N at least {least}, got {:?}", x.dims()),
    };
    if weight.dims() != [channels] || bias.is_some_and(|bias| bias.dims() != [channels]) {
        bail!(
            "{OP}: expected weight and bias ({channels}) for maps {:?}, got {:?} and {:?}",
            x.dims(),
            weight.dims(),
            bias.map(Tensor::dims)
        );
    }
    let bias = match bias {
        Some(bias) => bias.contiguous()?,
        None => weight.zeros_like()?.detach(),
    };
    x.contiguous()?.apply_op3(&weight.contiguous()?, &bias, InstanceNorm { positions, scheme })
}

impl CustomOp3 for InstanceNorm {
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
            let y = self.forward(x, slice(OP, weight, weight_layout)?, slice(OP, bias, bias_layout)?);
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
        let plan = plans::forward(OP, x_layout.dims(), self.scheme)?;
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
            let plan = plans::backward(OP, x.dims(), self.scheme)?;
            let [dx, both] = plan.outputs_on([x, weight, dy])?;
            let dbias = if self.scheme.centred { Some(both.get(1)?) } else { None };
            return Ok((Some(dx), hand_over(weight, Some(both.get(0)?))?, hand_over(bias, dbias)?));
        }
        by_dtype!(OP, x.dtype(), T => {
            let (dx, dweight, dbias) = with_slice::<T, _>(OP, x, |x| {
                with_slice(OP, weight, |weight| with_slice(OP, dy, |dy| Ok(self.backward(x, weight, dy))))
            })?;
            let device = x.device();
            let dbias = match self.scheme.centred {
                true => Some(Tensor::from_vec(dbias, bias.shape(), device)?),
                false => None,
            };
            Ok((
                Some(Tensor::from_vec(dx, x.shape(), device)?),
                Some(Tensor::from_vec(dweight, weight.shape(), device)?),
                dbias,
            ))
        })
    }
}
