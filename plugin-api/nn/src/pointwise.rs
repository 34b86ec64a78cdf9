//! Per-channel operations on the last axis: adding a bias, and adding a scaled branch.
//!
//! candle's broadcasting does the same, but sums its gradients one strided element at a time.

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail,
};
use rayon::prelude::*;

use crate::cpu::{by_dtype, slice, with_slice};
use crate::float::Float;
use crate::reduce::{ROWS_PER_BLOCK, add_in_order, column_sums};

/// `x + bias`, with `x (.., C)` and `bias (C)`.
pub fn add_bias(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    check_channels(AddBias.name(), x, bias)?;
    x.contiguous()?.apply_op2(&bias.contiguous()?, AddBias)
}

/// `x + scale * branch`, the end of a residual block with layer scale; `x` and `branch (.., C)`,
/// `scale (C)`.
pub fn scale_add(x: &Tensor, branch: &Tensor, scale: &Tensor) -> Result<Tensor> {
    check_channels(ScaleAdd.name(), x, scale)?;
    if x.dims() != branch.dims() {
        bail!(
            "scale_add: x {:?} and the branch {:?} differ in shape",
            x.dims(),
            branch.dims()
        );
    }
    let (branch, scale) = (branch.contiguous()?, scale.contiguous()?);
    x.contiguous()?.apply_op3(&branch, &scale, ScaleAdd)
}

fn check_channels(op: &str, x: &Tensor, per_channel: &Tensor) -> Result<()> {
    match (x.dims().last(), per_channel.dims()) {
        (Some(&channels), &[c]) if channels == c && c > 0 => Ok(()),
        _ => bail!(
            "{op}: expected tensors (.., C) and (C), got {:?} and {:?}",
            x.dims(),
            per_channel.dims()
        ),
    }
}

struct AddBias;

impl CustomOp2 for AddBias {
    fn name(&self) -> &'static str {
        "add_bias"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!(self.name(), x.dtype(), T => {
            let x = slice::<T>(self.name(), x, x_layout)?;
            let bias: &[T] = slice(self.name(), bias, bias_layout)?;
            let block = ROWS_PER_BLOCK * bias.len();
            let mut y = x.to_vec();
            y.par_chunks_mut(block).for_each(|rows| {
                for row in rows.chunks_exact_mut(bias.len()) {
                    for (y, b) in row.iter_mut().zip(bias) {
                        *y += *b;
                    }
                }
            });
            Ok((T::to_cpu_storage_owned(y), x_layout.shape().clone()))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        bias: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        by_dtype!(self.name(), x.dtype(), T => {
            let dbias = with_slice::<T, _>(self.name(), dy, |dy| {
                Ok(column_sums(dy, bias.elem_count()))
            })?;
            let dbias = Tensor::from_vec(dbias, bias.shape(), bias.device())?;
            Ok((Some(dy.clone()), Some(dbias)))
        })
    }
}

struct ScaleAdd;

fn scale_add_rows<T: Float>(x: &[T], branch: &[T], scale: &[T]) -> Vec<T> {
    let block = ROWS_PER_BLOCK * scale.len();
    let mut y = x.to_vec();
    y.par_chunks_mut(block)
        .zip(branch.par_chunks(block))
        .for_each(|(y, branch)| {
            let rows = y.chunks_exact_mut(scale.len());
            for (y, branch) in rows.zip(branch.chunks_exact(scale.len())) {
                for ((y, b), s) in y.iter_mut().zip(branch).zip(scale) {
                    *y += *b * *s;
                }
            }
        });
    y
}

/// Gradients of branch and scale.
fn scale_add_gradients<T: Float>(branch: &[T], scale: &[T], dy: &[T]) -> (Vec<T>, Vec<T>) {
    let channels = scale.len();
    let block = ROWS_PER_BLOCK * channels;
    let mut dbranch = vec![T::zero(); branch.len()];
    let mut partials = vec![T::zero(); branch.len().div_ceil(block) * channels];
    dbranch
        .par_chunks_mut(block)
        .zip(partials.par_chunks_mut(channels))
        .zip(branch.par_chunks(block).zip(dy.par_chunks(block)))
        .for_each(|((dbranch, dscale), (branch, dy))| {
            let rows = branch.chunks_exact(channels).zip(dy.chunks_exact(channels));
            for (dbranch, (branch, dy)) in dbranch.chunks_exact_mut(channels).zip(rows) {
                for i in 0..channels {
                    dbranch[i] = dy[i] * scale[i];
                    dscale[i] += dy[i] * branch[i];
                }
            }
        });
    (dbranch, add_in_order(&partials, channels))
}

impl CustomOp3 for ScaleAdd {
    fn name(&self) -> &'static str {
        "scale_add"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        branch: &CpuStorage,
        branch_layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!(self.name(), x.dtype(), T => {
            let x = slice::<T>(self.name(), x, x_layout)?;
            let branch = slice(self.name(), branch, branch_layout)?;
            let scale = slice(self.name(), scale, scale_layout)?;
            let y = scale_add_rows(x, branch, scale);
            Ok((T::to_cpu_storage_owned(y), x_layout.shape().clone()))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        branch: &Tensor,
        scale: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        by_dtype!(self.name(), x.dtype(), T => {
            let (dbranch, dscale) = with_slice::<T, _>(self.name(), branch, |branch| {
                with_slice(self.name(), scale, |scale| {
                    with_slice(self.name(), dy, |dy| Ok(scale_add_gradients(branch, scale, dy)))
                })
            })?;
            let device = x.device();
            Ok((
                Some(dy.clone()),
                Some(Tensor::from_vec(dbranch, branch.shape(), device)?),
                Some(Tensor::from_vec(dscale, scale.shape(), device)?),
            ))
        })
    }
}
