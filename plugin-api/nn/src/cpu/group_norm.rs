//! Group normalisation over space.

use rayon::prelude::*;

use super::reduce::{ROWS_PER_BLOCK, add_in_order};
use super::scalar::Scalar;
use super::simd::{Float, Isa, Kernel, Vector};
use super::zeros::zeros;

/// The groups of a normalisation, and what is added to variances.
pub(crate) struct GroupNorm {
    pub(crate) groups: usize,
    pub(crate) eps: f64,
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

/// Replaces the sum of every column by the mean over its group.
fn means_of_groups<T: Float>(sums: &mut [T], groups: usize, rows: usize) {
    let per_group = sums.len() / groups;
    let count = T::from_f64((rows * per_group) as f64);
    for group in sums.chunks_exact_mut(per_group) {
        let mean = group.iter().fold(T::zero(), |sum, &term| sum + term) / count;
        group.fill(mean);
    }
}

/// Mean and reciprocal standard deviation for each channel of a sample.
#[inline(always)]
fn moments<T: Float>(x: &[T], channels: usize, groups: usize, eps: f64) -> (Vec<T>, Vec<T>) {
    let rows = x.len() / channels;
    let mut mean = sums_of_columns(x.len(), channels, |_, i| x[i]);
    means_of_groups(&mut mean, groups, rows);
    let mut scale = sums_of_columns(x.len(), channels, |c, i| (x[i] - mean[c]) * (x[i] - mean[c]));
    means_of_groups(&mut scale, groups, rows);
    for scale in &mut scale {
        *scale = T::one() / Scalar::sqrt(*scale + T::from_f64(eps));
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
    /// `x (samples, .., C)` normalised.
    pub(crate) fn forward<T: Float>(&self, x: &[T], weight: &[T], samples: usize) -> Vec<T> {
        let isa = Isa::best();
        let of_sample = x.len() / samples;
        let mut y = zeros(x.len());
        y.par_chunks_mut(of_sample)
            .zip(x.par_chunks(of_sample))
            .for_each(|(y, x)| isa.run(Normalise { op: self, x, weight, y }));
        y
    }

    /// The gradients of x and weight.
    pub(crate) fn backward<T: Float>(&self, x: &[T], weight: &[T], dy: &[T], samples: usize) -> (Vec<T>, Vec<T>) {
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
