//! Group normalisation over space: each sample's groups of channels, with one mean and deviation each.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use crate::cpu::{by_dtype, slice, with_slice};
use crate::float::Float;
use crate::memory::zeros;
use crate::reduce::{ROWS_PER_BLOCK, add_in_order};
use crate::simd::{Isa, Kernel, Vector};

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

/// The same of operations that every device has.
fn composed(x: &Tensor, weight: &Tensor, groups: usize, eps: f64) -> Result<Tensor> {
    let (batch, channels) = (x.dims()[0], weight.elem_count());
    let grouped = x.reshape((batch, (), groups, channels / groups))?;
    let centred = grouped.broadcast_sub(&grouped.mean_keepdim((1, 3))?)?;
    let deviation = (centred.sqr()?.mean_keepdim((1, 3))? + eps)?.sqrt()?;
    centred.broadcast_div(&deviation)?.reshape(x.shape())?.broadcast_mul(&weight.to_dtype(x.dtype())?)
}

struct GroupNorm {
    groups: usize,
    eps: f64,
}

/// Sums of `term(c, i)` over the rows of a matrix, for each column c; `i` is the element's index.
#[inline(always)]
fn sums_of_columns<T: Float>(len: usize, columns: usize, term: impl Fn(usize, usize) -> T) -> Vec<T> {
    let mut total = vec![T::zero(); columns];
    let mut block = vec![T::zero(); columns];
    for first in (0..len).step_by(ROWS_PER_BLOCK * columns) {
        block.fill(T::zero());
        for row in (first..len.min(first + ROWS_PER_BLOCK * columns)).step_by(columns) {
            for (c, sum) in block.iter_mut().enumerate() {
                *sum += term(c, row + c);
            }
        }
        for (total, sum) in total.iter_mut().zip(&block) {
            *total += *sum;
        }
    }
    total
}

/// Replaces every column's sum by its group's mean, which each column of the group gets.
fn means_of_groups<T: Float>(sums: &mut [T], groups: usize, rows: usize) {
    let per_group = sums.len() / groups;
    let count = T::from_f64((rows * per_group) as f64);
    for group in sums.chunks_exact_mut(per_group) {
        let mean = group.iter().fold(T::zero(), |sum, &term| sum + term) / count;
        group.fill(mean);
    }
}

/// Mean and reciprocal deviation that each channel of a sample is normalised with.
#[inline(always)]
fn moments<T: Float>(x: &[T], channels: usize, groups: usize, eps: f64) -> (Vec<T>, Vec<T>) {
    let rows = x.len() / channels;
    let mut mean = sums_of_columns(x.len(), channels, |_, i| x[i]);
    means_of_groups(&mut mean, groups, rows);
    let mut scale = sums_of_columns(x.len(), channels, |c, i| (x[i] - mean[c]) * (x[i] - mean[c]));
    means_of_groups(&mut scale, groups, rows);
    for scale in &mut scale {
        *scale = T::one() / Float::sqrt(*scale + T::from_f64(eps));
    }
    (mean, scale)
}

struct Normalise<'a, T> {
    op: &'a GroupNorm,
    x: &'a [T],
    weight: &'a [T],
    y: &'a mut [T],
}

impl<T: Float> Kernel<T> for Normalise<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let channels = self.weight.len();
        let (mean, scale) = moments(self.x, channels, self.op.groups, self.op.eps);
        let factor: Vec<T> = scale.iter().zip(self.weight).map(|(&s, &w)| s * w).collect();
        for (y, x) in self.y.chunks_exact_mut(channels).zip(self.x.chunks_exact(channels)) {
            for c in 0..channels {
                y[c] = (x[c] - mean[c]) * factor[c];
            }
        }
    }
}

struct Gradient<'a, T> {
    op: &'a GroupNorm,
    x: &'a [T],
    weight: &'a [T],
    dy: &'a [T],
    dx: &'a mut [T],
    dweight: &'a mut [T],
}

impl<T: Float> Kernel<T> for Gradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Gradient { op, x, weight, dy, dx, dweight } = self;
        let (channels, rows) = (weight.len(), x.len() / weight.len());
        let (mean, scale) = moments(x, channels, op.groups, op.eps);
        let mut along_shift = sums_of_columns(x.len(), channels, |_, i| dy[i]);
        let mut along_x = sums_of_columns(x.len(), channels, |c, i| dy[i] * (x[i] - mean[c]));
        for c in 0..channels {
            dweight[c] = along_x[c] * scale[c];
            along_x[c] = dweight[c] * weight[c];
            along_shift[c] *= weight[c];
        }
        means_of_groups(&mut along_shift, op.groups, rows);
        means_of_groups(&mut along_x, op.groups, rows);
        let factor: Vec<T> = (0..channels).map(|c| scale[c] * weight[c]).collect();
        let slope: Vec<T> = (0..channels).map(|c| scale[c] * scale[c] * along_x[c]).collect();
        let shift: Vec<T> = (0..channels).map(|c| scale[c] * along_shift[c]).collect();
        let rows = x.chunks_exact(channels).zip(dy.chunks_exact(channels));
        for (dx, (x, dy)) in dx.chunks_exact_mut(channels).zip(rows) {
            for c in 0..channels {
                dx[c] = dy[c] * factor[c] - (x[c] - mean[c]) * slope[c] - shift[c];
            }
        }
    }
}

impl GroupNorm {
    fn forward<T: Float>(&self, x: &[T], weight: &[T], samples: usize) -> Vec<T> {
        let isa = Isa::best();
        let of_sample = x.len() / samples;
        let mut y = zeros(x.len());
        y.par_chunks_mut(of_sample)
            .zip(x.par_chunks(of_sample))
            .for_each(|(y, x)| isa.run(Normalise { op: self, x, weight, y }));
        y
    }

    /// Gradients of x and weight.
    fn backward<T: Float>(&self, x: &[T], weight: &[T], dy: &[T], samples: usize) -> (Vec<T>, Vec<T>) {
        let isa = Isa::best();
        let of_sample = x.len() / samples;
        let mut dx = zeros(x.len());
        let mut dweight = zeros(samples * weight.len());
        dx.par_chunks_mut(of_sample)
            .zip(dweight.par_chunks_mut(weight.len()))
            .zip(x.par_chunks(of_sample).zip(dy.par_chunks(of_sample)))
            .for_each(|((dx, dweight), (x, dy))| isa.run(Gradient { op: self, x, weight, dy, dx, dweight }));
        (dx, add_in_order(&dweight, weight.len()))
    }
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
