//! The Gaussian error linear unit.

use rayon::prelude::*;

use super::simd::{Float, Isa, Kernel, Vector};
use super::zeros::zeros;

/// Elements per task; no influence on results.
const BLOCK: usize = 8192;

/// Writes GELU of `x` to `y`.
pub(crate) struct Forward<'a, T> {
    pub(crate) x: &'a [T],
    pub(crate) y: &'a mut [T],
}

impl<T: Float> Kernel<T> for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        for (y, &x) in self.y.iter_mut().zip(self.x) {
            *y = x * x.normal_cdf_pdf(V::FUSED).0;
        }
    }
}

/// Multiplies `gradient`, of the result, by the derivative at `x`.
struct BackwardInPlace<'a, T> {
    x: &'a [T],
    gradient: &'a mut [T],
}

impl<T: Float> Kernel<T> for BackwardInPlace<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        for (gradient, &x) in self.gradient.iter_mut().zip(self.x) {
            let (cdf, pdf) = x.normal_cdf_pdf(V::FUSED);
            *gradient *= x.mul_add(pdf, cdf, V::FUSED);
        }
    }
}

/// Writes GELU of `x` to `y`, and replaces `x` by the derivative.
pub(crate) struct WithSlope<'a, T> {
    pub(crate) x: &'a mut [T],
    pub(crate) y: &'a mut [T],
}

impl<T: Float> Kernel<T> for WithSlope<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        for (y, x) in self.y.iter_mut().zip(self.x) {
            let (cdf, pdf) = x.normal_cdf_pdf(V::FUSED);
            *y = *x * cdf;
            *x = x.mul_add(pdf, cdf, V::FUSED);
        }
    }
}

/// `x cdf(x)`, element by element.
pub(crate) fn forward<T: Float>(x: &[T]) -> Vec<T> {
    let isa = Isa::best();
    let mut y = zeros(x.len());
    y.par_chunks_mut(BLOCK).zip(x.par_chunks(BLOCK)).for_each(|(y, x)| isa.run(Forward { x, y }));
    y
}

/// The gradient of x.
pub(crate) fn backward<T: Float>(x: &[T], dy: &[T]) -> Vec<T> {
    let isa = Isa::best();
    let mut dx = dy.to_vec();
    dx.par_chunks_mut(BLOCK)
        .zip(x.par_chunks(BLOCK))
        .for_each(|(gradient, x)| isa.run(BackwardInPlace { x, gradient }));
    dx
}
