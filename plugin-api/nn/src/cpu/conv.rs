//! Dense convolution and its gradients.

mod bands;
mod input_gradient;
mod products;

use super::reduce::column_sums;
use super::simd::Float;
use crate::shape::ConvShape;

/// `(B, T', H', W', O)` from `x (B, T, H, W, I)`, `weight (O, I, kt, kh, kw)` and `bias (O)`.
pub(crate) fn forward<T: Float>(shape: &ConvShape, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
    products::forward(shape, x, bias, |k, n| weight[products::weight_at(shape, k, n)])
}

/// The gradients of x (if wanted), weight and bias.
pub(crate) fn backward<T: Float>(
    shape: &ConvShape,
    x: &[T],
    weight: &[T],
    dy: &[T],
    want_dx: bool,
) -> (Option<Vec<T>>, Vec<T>, Vec<T>) {
    let dx = want_dx.then(|| input_gradient::input_gradient(shape, weight, dy));
    (dx, products::weight_gradient(shape, x, dy), column_sums(dy, shape.filters))
}
