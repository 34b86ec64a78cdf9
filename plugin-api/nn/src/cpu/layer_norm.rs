//! Layer normalisation over the channels, forward and backward in one pass each.

use rayon::prelude::*;

use super::reduce::{ROWS_PER_BLOCK, add_in_order, row_sum};
use super::scalar::Scalar;
use super::simd::{Float, Isa, Kernel, Vector, load, store};
use super::zeros::zeros;

/// Mean and reciprocal standard deviation of a row of whole registers.
#[inline(always)]
fn moments_of_registers<T: Float, V: Vector<T>>(row: &[T], eps: T) -> (T, T) {
    let count = T::from_f64(row.len() as f64);
    let mut sum = V::splat(T::zero());
    for i in (0..row.len()).step_by(V::LANES) {
        sum = sum.add(load(&row[i..]));
    }
    let mean = sum.sum() / count;
    let mut squares = V::splat(T::zero());
    for i in (0..row.len()).step_by(V::LANES) {
        let distance = load::<T, V>(&row[i..]).sub(V::splat(mean));
        squares = distance.mul_add(distance, squares);
    }
    (mean, T::one() / Scalar::sqrt(squares.sum() / count + eps))
}

/// Mean and reciprocal standard deviation of a row.
#[inline(always)]
fn moments<T: Float>(row: &[T], eps: T) -> (T, T) {
    let count = T::from_f64(row.len() as f64);
    let mean = row_sum(row.len(), |i| row[i]) / count;
    let variance = row_sum(row.len(), |i| (row[i] - mean) * (row[i] - mean)) / count;
    (mean, T::one() / Scalar::sqrt(variance + eps))
}

/// Normalises rows of `x` to `y`.
pub(crate) struct NormaliseRows<'a, T> {
    pub(crate) x: &'a [T],
    pub(crate) weight: &'a [T],
    pub(crate) bias: &'a [T],
    pub(crate) eps: T,
    pub(crate) y: &'a mut [T],
}

impl<T: Float> Kernel<T> for NormaliseRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let channels = self.weight.len();
        let (weight, bias) = (self.weight, &self.bias[..channels]);
        let rows = self.x.chunks_exact(channels).zip(self.y.chunks_exact_mut(channels));
        if channels.is_multiple_of(V::LANES) {
            for (x, y) in rows {
                let (mean, scale) = moments_of_registers::<T, V>(x, self.eps);
                let (mean, scale) = (V::splat(mean), V::splat(scale));
                for i in (0..channels).step_by(V::LANES) {
                    let normal = load::<T, V>(&x[i..]).sub(mean).mul(scale);
                    store(normal.mul_add(load(&weight[i..]), load(&bias[i..])), &mut y[i..]);
                }
            }
            return;
        }
        for (x, y) in rows {
            let (mean, scale) = moments(x, self.eps);
            for i in 0..channels {
                y[i] = ((x[i] - mean) * scale).mul_add(weight[i], bias[i], V::FUSED);
            }
        }
    }
}

/// The gradient of the rows `x`, and the sums over them for the gradients of weight and bias.
pub(crate) struct GradientRows<'a, T> {
    pub(crate) x: &'a [T],
    pub(crate) weight: &'a [T],
    pub(crate) eps: T,
    pub(crate) dy: &'a [T],
    pub(crate) dx: &'a mut [T],
    /// Weight's, then bias's.
    pub(crate) sums: &'a mut [T],
}

impl<T: Float> Kernel<T> for GradientRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let channels = self.weight.len();
        let weight = self.weight;
        let count = T::from_f64(channels as f64);
        let (dweight, dbias) = self.sums.split_at_mut(channels);
        let dbias = &mut dbias[..channels];
        let rows = self.x.chunks_exact(channels);
        let gradients = self.dy.chunks_exact(channels);
        if channels.is_multiple_of(V::LANES) {
            for ((x, dy), dx) in rows.zip(gradients).zip(self.dx.chunks_exact_mut(channels)) {
                let (mean, scale) = moments_of_registers::<T, V>(x, self.eps);
                let (mean, scale_all) = (V::splat(mean), V::splat(scale));
                let (mut along_shift, mut along_x) = (V::splat(T::zero()), V::splat(T::zero()));
                for i in (0..channels).step_by(V::LANES) {
                    let normal = load::<T, V>(&x[i..]).sub(mean).mul(scale_all);
                    let dy = load::<T, V>(&dy[i..]);
                    let along = dy.mul(load(&weight[i..]));
                    along_shift = along_shift.add(along);
                    along_x = along.mul_add(normal, along_x);
                    store(dy.mul_add(normal, load(&dweight[i..])), &mut dweight[i..]);
                    store(dy.add(load(&dbias[i..])), &mut dbias[i..]);
                }
                let along_shift = V::splat(along_shift.sum() / count);
                let along_x = V::splat(along_x.sum() / count);
                for i in (0..channels).step_by(V::LANES) {
                    let normal = load::<T, V>(&x[i..]).sub(mean).mul(scale_all);
                    let along = load::<T, V>(&dy[i..]).mul(load(&weight[i..])).sub(along_shift);
                    store(along.sub(normal.mul(along_x)).mul(scale_all), &mut dx[i..]);
                }
            }
            return;
        }
        for ((x, dy), dx) in rows.zip(gradients).zip(self.dx.chunks_exact_mut(channels)) {
            let (mean, scale) = moments(x, self.eps);
            let along_shift = row_sum(channels, |i| dy[i] * weight[i]) / count;
            let along_x = row_sum(channels, |i| dy[i] * weight[i] * (x[i] - mean) * scale) / count;
            for i in 0..channels {
                let normal = (x[i] - mean) * scale;
                dx[i] = scale * (dy[i] * weight[i] - along_shift - normal * along_x);
                dweight[i] += dy[i] * normal;
                dbias[i] += dy[i];
            }
        }
    }
}

/// Rows `x (.., C)` normalised, scaled and shifted.
pub(crate) fn forward<T: Float>(x: &[T], weight: &[T], bias: &[T], eps: f64) -> Vec<T> {
    let isa = Isa::best();
    let eps = T::from_f64(eps);
    let block = ROWS_PER_BLOCK * weight.len();
    let mut y = zeros(x.len());
    y.par_chunks_mut(block)
        .zip(x.par_chunks(block))
        .for_each(|(y, x)| isa.run(NormaliseRows { x, weight, bias, eps, y }));
    y
}

/// The gradients of x, weight and bias.
pub(crate) fn backward<T: Float>(x: &[T], weight: &[T], dy: &[T], eps: f64) -> (Vec<T>, Vec<T>, Vec<T>) {
    let isa = Isa::best();
    let eps = T::from_f64(eps);
    let channels = weight.len();
    let block = ROWS_PER_BLOCK * channels;
    let mut dx = zeros(x.len());
    let mut partials = zeros(x.len().div_ceil(block) * 2 * channels);
    dx.par_chunks_mut(block)
        .zip(partials.par_chunks_mut(2 * channels))
        .zip(x.par_chunks(block).zip(dy.par_chunks(block)))
        .for_each(|((dx, sums), (x, dy))| isa.run(GradientRows { x, weight, eps, dy, dx, sums }));
    let mut dweight = add_in_order(&partials, 2 * channels);
    let dbias = dweight.split_off(channels);
    (dx, dweight, dbias)
}
