//! Group normalisation over space: one mean and standard deviation per sample and group of channels.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::cpu::group_norm::GroupNorm;
use crate::cpu::storage::{by_dtype, slice, with_slice};

const OP: &str = "group_norm";

/// `(x - mean) / sqrt(variance + eps) * weight`, with mean and (biased) variance of each sample over all positions and
/// the channels of a group (arXiv:1803.08494); differentiable in both tensors.
///
/// `x (B, .., C)` with `groups` groups of neighbouring channels; `weight (C)`, or ones where there is none.
///
/// # Errors
/// If `groups` does not divide C, or `weight` has another length.
pub fn group_norm(x: &Tensor, weight: Option<&Tensor>, groups: usize, eps: f64) -> Result<Tensor> {
    let channels = match (x.rank(), x.dims().last()) {
        (2.., Some(&channels)) if x.elem_count() > 0 => channels,
        _ => bail!("{OP}: expected x (B, .., C), got {:?}", x.dims()),
    };
    if groups == 0 || !channels.is_multiple_of(groups) {
        bail!("{OP}: {groups} groups do not divide {channels} channels");
    }
    let weight = match weight {
        Some(weight) if weight.dims() == [channels] => weight.contiguous()?,
        Some(weight) => bail!("{OP}: expected a weight ({channels}), got {:?}", weight.dims()),
        None => Tensor::ones(channels, x.dtype(), x.device())?,
    };
    if !x.device().is_cpu() {
        return composed(x, &weight, groups, eps);
    }
    x.contiguous()?.apply_op2(&weight, GroupNorm { groups, eps })
}

/// The same, composed of operations that every device supports.
fn composed(x: &Tensor, weight: &Tensor, groups: usize, eps: f64) -> Result<Tensor> {
    let (batch, channels) = (x.dims()[0], weight.elem_count());
    let grouped = x.reshape((batch, (), groups, channels / groups))?;
    let centred = grouped.broadcast_sub(&grouped.mean_keepdim((1, 3))?)?;
    let deviation = (centred.sqr()?.mean_keepdim((1, 3))? + eps)?.sqrt()?;
    centred.broadcast_div(&deviation)?.reshape(x.shape())?.broadcast_mul(&weight.to_dtype(x.dtype())?)
}

impl CustomOp2 for GroupNorm {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!(OP, x.dtype(), T => {
            let x = slice::<T>(OP, x, x_layout)?;
            let y = self.forward(x, slice(OP, weight, weight_layout)?, x_layout.dims()[0]);
            Ok((T::to_cpu_storage_owned(y), x_layout.shape().clone()))
        })
    }

    fn bwd(&self, x: &Tensor, weight: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        by_dtype!(OP, x.dtype(), T => {
            let (dx, dweight) = with_slice::<T, _>(OP, x, |xs| {
                with_slice(OP, weight, |weight| {
                    with_slice(OP, dy, |dy| Ok(self.backward(xs, weight, dy, x.dims()[0])))
                })
            })?;
            Ok((
                Some(Tensor::from_vec(dx, x.shape(), x.device())?),
                Some(Tensor::from_vec(dweight, weight.shape(), weight.device())?),
            ))
        })
    }
}
