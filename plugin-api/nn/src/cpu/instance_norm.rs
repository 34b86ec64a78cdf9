//! Instance normalisation. Maps are channels-last, so that a row of channels fills registers and nothing is transposed.

use rayon::prelude::*;

use super::reduce::add_in_order;
use super::scalar::Scalar;
use super::simd::{Float, Isa, Kernel, Vector};
use super::zeros::zeros;
use crate::shape::{InstanceNormScheme, LEAST_VARIATION};

/// Maps of `positions` positions, and how they are normalised.
pub(crate) struct InstanceNorm {
    pub(crate) positions: usize,
    pub(crate) scheme: InstanceNormScheme,
}

/// The moments of each channel of one map: the output is `(x - centre) * scale`.
struct Moments<T> {
    /// The mean, or 0 if it is not subtracted.
    centre: Vec<T>,
    mean: Vec<T>,
    scale: Vec<T>,
    /// `d scale / dx = slope * (x - mean)`.
    slope: Vec<T>,
}

#[inline(always)]
fn magnitude<T: Float>(x: T) -> T {
    if x < T::zero() { T::zero() - x } else { x }
}

#[inline(always)]
fn moments<T: Float>(x: &[T], channels: usize, InstanceNormScheme { centred, eps }: InstanceNormScheme) -> Moments<T> {
    let positions = x.len() / channels;
    let count = T::from_f64(positions as f64);
    let mut mean = vec![T::zero(); channels];
    for row in x.chunks_exact(channels) {
        for (sum, &x) in mean.iter_mut().zip(row) {
            *sum += x;
        }
    }
    for mean in &mut mean {
        *mean /= count;
    }
    let mut scale = vec![T::zero(); channels];
    for row in x.chunks_exact(channels) {
        for ((sum, &mean), &x) in scale.iter_mut().zip(&mean).zip(row) {
            *sum += (x - mean) * (x - mean);
        }
    }
    let mut slope = vec![T::zero(); channels];
    let (eps, degrees) = (T::from_f64(eps), T::from_f64(positions as f64 - 1.0));
    for ((scale, slope), &mean) in scale.iter_mut().zip(&mut slope).zip(&mean) {
        if centred {
            *scale = T::one() / Scalar::sqrt(*scale / count + eps);
            *slope = T::zero() - *scale * *scale * *scale / count;
        } else {
            let (deviation, least) = (Scalar::sqrt(*scale / degrees), T::from_f64(LEAST_VARIATION) * magnitude(mean));
            let varies = deviation > least;
            *scale = T::one() / (if varies { deviation } else { least } + eps);
            // At a constant channel the standard deviation has no derivative; 0 stands for it.
            if varies {
                *slope = T::zero() - *scale * *scale / (degrees * deviation);
            }
        }
    }
    let centre = if centred { mean.clone() } else { vec![T::zero(); channels] };
    Moments { centre, mean, scale, slope }
}

struct Forward<'a, T> {
    x: &'a [T],
    weight: &'a [T],
    bias: &'a [T],
    scheme: InstanceNormScheme,
    y: &'a mut [T],
}

impl<T: Float> Kernel<T> for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let channels = self.weight.len();
        let Moments { centre, mut scale, .. } = moments(self.x, channels, self.scheme);
        for (scale, &weight) in scale.iter_mut().zip(self.weight) {
            *scale *= weight;
        }
        for (y, x) in self.y.chunks_exact_mut(channels).zip(self.x.chunks_exact(channels)) {
            for ((((y, &x), &centre), &scale), &bias) in y.iter_mut().zip(x).zip(&centre).zip(&scale).zip(self.bias) {
                *y = (x - centre).mul_add(scale, bias, V::FUSED);
            }
        }
    }
}

/// The gradient of one map, and its contribution to the gradients of weight and bias.
struct Backward<'a, T> {
    x: &'a [T],
    weight: &'a [T],
    scheme: InstanceNormScheme,
    dy: &'a [T],
    dx: &'a mut [T],
    /// Weight's, then bias's; zeros before.
    sums: &'a mut [T],
}

impl<T: Float> Kernel<T> for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let channels = self.weight.len();
        let count = T::from_f64((self.x.len() / channels) as f64);
        let Moments { centre, mean, scale, mut slope } = moments(self.x, channels, self.scheme);
        let (along_x, along_one) = self.sums.split_at_mut(channels);
        for (x, dy) in self.x.chunks_exact(channels).zip(self.dy.chunks_exact(channels)) {
            for ((((along_x, along_one), &x), &dy), &centre) in
                along_x.iter_mut().zip(along_one.iter_mut()).zip(x).zip(dy).zip(&centre)
            {
                *along_x = dy.mul_add(x - centre, *along_x, V::FUSED);
                *along_one += dy;
            }
        }
        // dx = direct * dy + slope * (x - mean) + shift
        let mut direct = vec![T::zero(); channels];
        let mut shift = vec![T::zero(); channels];
        for c in 0..channels {
            direct[c] = scale[c] * self.weight[c];
            slope[c] *= self.weight[c] * along_x[c];
            if self.scheme.centred {
                shift[c] = T::zero() - direct[c] * along_one[c] / count;
            }
            along_x[c] *= scale[c];
        }
        let rows = self.x.chunks_exact(channels).zip(self.dy.chunks_exact(channels));
        for (dx, (x, dy)) in self.dx.chunks_exact_mut(channels).zip(rows) {
            for c in 0..channels {
                let rest = (x[c] - mean[c]).mul_add(slope[c], shift[c], V::FUSED);
                dx[c] = dy[c].mul_add(direct[c], rest, V::FUSED);
            }
        }
    }
}

impl InstanceNorm {
    /// Maps `(.., N, C)` normalised.
    pub(crate) fn forward<T: Float>(&self, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
        let isa = Isa::best();
        let map = self.positions * weight.len();
        let mut y = zeros(x.len());
        y.par_chunks_mut(map)
            .zip(x.par_chunks(map))
            .for_each(|(y, x)| isa.run(Forward { x, weight, bias, scheme: self.scheme, y }));
        y
    }

    /// The gradients of x, weight and bias.
    pub(crate) fn backward<T: Float>(&self, x: &[T], weight: &[T], dy: &[T]) -> (Vec<T>, Vec<T>, Vec<T>) {
        let isa = Isa::best();
        let channels = weight.len();
        let map = self.positions * channels;
        let mut dx = zeros(x.len());
        let mut partials = zeros(x.len() / map * 2 * channels);
        dx.par_chunks_mut(map)
            .zip(partials.par_chunks_mut(2 * channels))
            .zip(x.par_chunks(map).zip(dy.par_chunks(map)))
            .for_each(|((dx, sums), (x, dy))| isa.run(Backward { x, weight, scheme: self.scheme, dy, dx, sums }));
        let mut dweight = add_in_order(&partials, 2 * channels);
        let dbias = dweight.split_off(channels);
        (dx, dweight, dbias)
    }
}
