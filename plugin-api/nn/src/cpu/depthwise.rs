//! Depthwise convolution and its gradients: a direct algorithm for all kernels, and Winograd's for rows of seven taps.

mod direct;
mod target;
mod winograd;

use super::reduce::column_sums;
use super::simd::{Float, Isa};
use crate::shape::DepthwiseShape;

/// The convolution of `x (B, T, H, W, C)` with `weight (C, 1, kt, kh, kw)`, plus `bias (C)`.
pub(crate) fn forward<T: Float>(g: &DepthwiseShape, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
    let isa = Isa::for_channels::<T>(g.channels);
    if winograd::applies(g) {
        winograd::forward(isa, g, x, weight, bias)
    } else {
        direct::forward(isa, g, x, weight, bias)
    }
}

/// The gradients of x (if wanted), weight and bias.
pub(crate) fn backward<T: Float>(
    g: &DepthwiseShape,
    x: &[T],
    weight: &[T],
    dy: &[T],
    want_dx: bool,
) -> (Option<Vec<T>>, Vec<T>, Vec<T>) {
    let isa = Isa::for_channels::<T>(g.channels);
    let convolved = || match winograd::applies(g) {
        true => winograd::backward(isa, g, x, weight, dy, want_dx),
        false => direct::backward(isa, g, x, weight, dy, want_dx),
    };
    // The sum of few rows is the work of one thread: run it beside the rest.
    let ((dx, dweight), dbias) = rayon::join(convolved, || column_sums(dy, g.channels));
    (dx, dweight, dbias)
}

#[cfg(test)]
mod tests {
    use super::{direct, winograd};
    use crate::cpu::simd::{Float, Isa};
    use crate::rng::Rng;
    use crate::shape::DepthwiseShape;

    /// All instruction sets of this machine agree, though only the widest is ever chosen; and so do both algorithms.
    fn all_agree<T: Float>(tolerance: f64) {
        let g = DepthwiseShape::new(&[2, 3, 5, 13, 19], &[19, 1, 3, 7, 7], &[19]).unwrap();
        let mut rng = Rng::new(1, "test", 0);
        let mut normal = |len| -> Vec<T> { (0..len).map(|_| T::from_f64(rng.standard_normal())).collect() };
        let (x, dy) = (normal(2 * 3 * 5 * 13 * 19), normal(2 * 3 * 5 * 13 * 19));
        let (weight, bias) = (normal(19 * 147), normal(19));
        let results: Vec<_> = Isa::available()
            .flat_map(|isa| {
                let (winograd_dx, winograd_dweight) = winograd::backward(isa, &g, &x, &weight, &dy, true);
                let (dx, dweight) = direct::backward(isa, &g, &x, &weight, &dy, true);
                [
                    [direct::forward(isa, &g, &x, &weight, &bias), dx.unwrap(), dweight],
                    [winograd::forward(isa, &g, &x, &weight, &bias), winograd_dx.unwrap(), winograd_dweight],
                ]
            })
            .collect();
        for other in &results[1..] {
            for (a, b) in results[0].iter().flatten().zip(other.iter().flatten()) {
                assert!((a.to_f64() - b.to_f64()).abs() < tolerance, "{a} {b}");
            }
        }
    }

    #[test]
    fn instruction_sets_and_algorithms_agree_in_single_precision() {
        all_agree::<f32>(1e-3);
    }

    #[test]
    fn instruction_sets_and_algorithms_agree_in_double_precision() {
        all_agree::<f64>(1e-11);
    }
}
