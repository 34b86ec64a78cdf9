//! Layer normalisation over the channels, forward and backward in one pass each.

use rayon::prelude::*;

use super::reduce::{ROWS_PER_BLOCK, add_in_order, row_sum};
use super::scalar::Scalar;
use super::simd::{Float, Isa, Kernel, Vector, load, store};
use super::zeros::zeros;

/// Rows of whole registers that are processed together: each is a chain of dependent operations, so that one at a time
/// would wait for itself.
const TOGETHER: usize = 4;

/// Means and reciprocal standard deviations of `R` rows of whole registers.
#[inline(always)]
fn moments_of_registers<T: Float, V: Vector<T>, const R: usize>(rows: &[T], channels: usize, eps: T) -> [[V; 2]; R] {
    let zero = V::splat(T::zero());
    let count = T::from_f64(channels as f64);
    let mut sums = [zero; R];
    for i in (0..channels).step_by(V::LANES) {
        for (r, sum) in sums.iter_mut().enumerate() {
            *sum = sum.add(load(&rows[r * channels + i..]));
        }
    }
    let means = sums.map(|sum| V::splat(sum.sum() / count));
    let mut squares = [zero; R];
    for i in (0..channels).step_by(V::LANES) {
        for (r, squares) in squares.iter_mut().enumerate() {
            let distance = load::<T, V>(&rows[r * channels + i..]).sub(means[r]);
            *squares = distance.mul_add(distance, *squares);
        }
    }
    let scales = squares.map(|squares| V::splat(T::one() / Scalar::sqrt(squares.sum() / count + eps)));
    std::array::from_fn(|r| [means[r], scales[r]])
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
        if channels.is_multiple_of(V::LANES) {
            let whole = self.x.len() / (TOGETHER * channels) * TOGETHER * channels;
            let ((x, last_x), (y, last_y)) = (self.x.split_at(whole), self.y.split_at_mut(whole));
            for (x, y) in x.chunks_exact(TOGETHER * channels).zip(y.chunks_exact_mut(TOGETHER * channels)) {
                normalise::<T, V, TOGETHER>(x, weight, bias, self.eps, y);
            }
            for (x, y) in last_x.chunks_exact(channels).zip(last_y.chunks_exact_mut(channels)) {
                normalise::<T, V, 1>(x, weight, bias, self.eps, y);
            }
            return;
        }
        let rows = self.x.chunks_exact(channels).zip(self.y.chunks_exact_mut(channels));
        for (x, y) in rows {
            let (mean, scale) = moments(x, self.eps);
            for i in 0..channels {
                y[i] = ((x[i] - mean) * scale).mul_add(weight[i], bias[i], V::FUSED);
            }
        }
    }
}

/// Normalises `R` rows of whole registers.
#[inline(always)]
fn normalise<T: Float, V: Vector<T>, const R: usize>(x: &[T], weight: &[T], bias: &[T], eps: T, y: &mut [T]) {
    let channels = weight.len();
    let moments = moments_of_registers::<T, V, R>(x, channels, eps);
    for i in (0..channels).step_by(V::LANES) {
        let (weight, bias) = (load(&weight[i..]), load(&bias[i..]));
        for (r, [mean, scale]) in moments.into_iter().enumerate() {
            let normal = load::<T, V>(&x[r * channels + i..]).sub(mean).mul(scale);
            store(normal.mul_add(weight, bias), &mut y[r * channels + i..]);
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
        if channels.is_multiple_of(V::LANES) {
            let whole = self.x.len() / (TOGETHER * channels) * TOGETHER * channels;
            let ((x, last_x), (dy, last_dy)) = (self.x.split_at(whole), self.dy.split_at(whole));
            let (dx, last_dx) = self.dx.split_at_mut(whole);
            let (rows, gradients) = (x.chunks_exact(TOGETHER * channels), dy.chunks_exact(TOGETHER * channels));
            for ((x, dy), dx) in rows.zip(gradients).zip(dx.chunks_exact_mut(TOGETHER * channels)) {
                gradient::<T, V, TOGETHER>([x, dy, weight], self.eps, dx, [dweight, dbias]);
            }
            let (rows, gradients) = (last_x.chunks_exact(channels), last_dy.chunks_exact(channels));
            for ((x, dy), dx) in rows.zip(gradients).zip(last_dx.chunks_exact_mut(channels)) {
                gradient::<T, V, 1>([x, dy, weight], self.eps, dx, [dweight, dbias]);
            }
            return;
        }
        let rows = self.x.chunks_exact(channels);
        let gradients = self.dy.chunks_exact(channels);
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

/// The gradient of `R` rows of whole registers, and their part of the sums for weight and bias, row by row.
#[inline(always)]
fn gradient<T: Float, V: Vector<T>, const R: usize>(
    [x, dy, weight]: [&[T]; 3],
    eps: T,
    dx: &mut [T],
    [dweight, dbias]: [&mut [T]; 2],
) {
    let channels = weight.len();
    let count = T::from_f64(channels as f64);
    let moments = moments_of_registers::<T, V, R>(x, channels, eps);
    let zero = V::splat(T::zero());
    let (mut along_shift, mut along_x) = ([zero; R], [zero; R]);
    for i in (0..channels).step_by(V::LANES) {
        let weight = load(&weight[i..]);
        let (mut dweight_sum, mut dbias_sum): (V, V) = (load(&dweight[i..]), load(&dbias[i..]));
        for (r, [mean, scale]) in moments.into_iter().enumerate() {
            let normal = load::<T, V>(&x[r * channels + i..]).sub(mean).mul(scale);
            let dy = load::<T, V>(&dy[r * channels + i..]);
            let along = dy.mul(weight);
            along_shift[r] = along_shift[r].add(along);
            along_x[r] = along.mul_add(normal, along_x[r]);
            dweight_sum = dy.mul_add(normal, dweight_sum);
            dbias_sum = dy.add(dbias_sum);
        }
        store(dweight_sum, &mut dweight[i..]);
        store(dbias_sum, &mut dbias[i..]);
    }
    let along_shift = along_shift.map(|sum| V::splat(sum.sum() / count));
    let along_x = along_x.map(|sum| V::splat(sum.sum() / count));
    for i in (0..channels).step_by(V::LANES) {
        let weight = load(&weight[i..]);
        for (r, [mean, scale]) in moments.into_iter().enumerate() {
            let normal = load::<T, V>(&x[r * channels + i..]).sub(mean).mul(scale);
            let along = load::<T, V>(&dy[r * channels + i..]).mul(weight).sub(along_shift[r]);
            store(along.sub(normal.mul(along_x[r])).mul(scale), &mut dx[r * channels + i..]);
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
