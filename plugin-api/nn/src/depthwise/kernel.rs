//! The loops of the depthwise convolution and its gradients: one algorithm for all kernels, and a faster one for rows
//! of seven taps.

mod direct;
mod fast;
mod target;

use candle_core::{Result, bail};

use super::OP;
use crate::float::Float;
use crate::reduce::column_sums;
use crate::simd::Isa;

#[derive(Clone, Copy)]
pub(crate) struct Geometry {
    pub(crate) batch: usize,
    /// T, H, W.
    pub(crate) size: [usize; 3],
    pub(crate) channels: usize,
    /// kt, kh, kw.
    pub(crate) kernel: [usize; 3],
}

impl Geometry {
    pub(crate) fn new(x: &[usize], weight: &[usize], bias: &[usize]) -> Result<Self> {
        let (&[batch, t, h, w, channels], &[c, one, kt, kh, kw]) = (x, weight) else {
            bail!("{OP}: expected five dimensions, got {x:?} and {weight:?}");
        };
        if c != channels || one != 1 || bias != [channels] {
            bail!(
                "{OP}: {channels} channels need weight ({channels}, 1, ..) and bias ({channels}), \
                 got {weight:?} and {bias:?}"
            );
        }
        if [kt, kh, kw].iter().any(|k| k % 2 == 0) {
            bail!("{OP}: kernel sizes must be odd, got {:?}", [kt, kh, kw]);
        }
        if x.contains(&0) {
            bail!("{OP}: the input is empty: {x:?}");
        }
        Ok(Self { batch, size: [t, h, w], channels, kernel: [kt, kh, kw] })
    }

    /// Positions in a row with its zeros.
    fn padded_width(&self) -> usize {
        self.size[2] + self.kernel[2] - 1
    }

    pub(crate) fn taps(&self) -> usize {
        self.kernel.iter().product()
    }
}

/// Which taps along `axis` meet the input when the output is at `at`.
#[inline(always)]
fn valid_taps(g: &Geometry, axis: usize, at: usize) -> std::ops::Range<usize> {
    let half = g.kernel[axis] / 2;
    half.saturating_sub(at)..g.kernel[axis].min(g.size[axis] + half - at)
}

/// The convolution, with `x` and the result channels-last.
pub(crate) fn forward<T: Float>(g: &Geometry, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
    let isa = Isa::for_channels::<T>(g.channels);
    if fast::applies(g) { fast::forward(isa, g, x, weight, bias) } else { direct::forward(isa, g, x, weight, bias) }
}

/// Gradients of input (if wanted), weight and bias.
pub(crate) fn backward<T: Float>(
    g: &Geometry,
    x: &[T],
    weight: &[T],
    dy: &[T],
    want_dx: bool,
) -> (Option<Vec<T>>, Vec<T>, Vec<T>) {
    let isa = Isa::for_channels::<T>(g.channels);
    let convolved = || match fast::applies(g) {
        true => fast::backward(isa, g, x, weight, dy, want_dx),
        false => direct::backward(isa, g, x, weight, dy, want_dx),
    };
    // Of few rows the sum is one thread's work.
    let ((dx, dweight), dbias) = rayon::join(convolved, || column_sums(dy, g.channels));
    (dx, dweight, dbias)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// All instruction sets of this machine do the same, though only the widest is ever chosen; and so do both
    /// algorithms.
    fn all_agree<T: Float>(tolerance: f64) {
        let g = Geometry::new(&[2, 3, 5, 13, 19], &[19, 1, 3, 7, 7], &[19]).unwrap();
        let mut rng = Rng::new(1, "test", 0);
        let mut normal = |len| -> Vec<T> { (0..len).map(|_| T::from_f64(rng.standard_normal())).collect() };
        let (x, dy) = (normal(2 * 3 * 5 * 13 * 19), normal(2 * 3 * 5 * 13 * 19));
        let (weight, bias) = (normal(19 * 147), normal(19));
        let results: Vec<_> = Isa::available()
            .flat_map(|isa| {
                let (fast_dx, fast_dweight) = fast::backward(isa, &g, &x, &weight, &dy, true);
                let (dx, dweight) = direct::backward(isa, &g, &x, &weight, &dy, true);
                [
                    [direct::forward(isa, &g, &x, &weight, &bias), dx.unwrap(), dweight],
                    [fast::forward(isa, &g, &x, &weight, &bias), fast_dx.unwrap(), fast_dweight],
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
