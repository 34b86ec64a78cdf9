//! The kernels: the convolution of one unit, and its gradients.

use super::transform::{POINTS, TAPS, Transform};
use super::unit::{Convolve, EvaluateWindows, Place, Unit};
use crate::cpu::depthwise::target::Target;
use crate::cpu::simd::{Float, Kernel, Vector};
use crate::shape::DepthwiseShape;

/// Memory of one thread, reused from tile to tile.
pub(super) struct Scratch<T> {
    /// `[point][t][row][lane]`, with the rows above and below that the taps reach.
    windows: Vec<T>,
    /// `[point][t][row][lane]`.
    tiles: Vec<T>,
}

impl<T> Scratch<T> {
    pub(super) fn new() -> Self {
        Self { windows: Vec::new(), tiles: Vec::new() }
    }
}

/// The convolution of one unit.
pub(super) struct Forward<'a, T> {
    pub(super) shape: &'a DepthwiseShape,
    pub(super) x: &'a [T],
    /// Evaluated, `[channel block][point][kt, kh][lane]`.
    pub(super) weight: &'a [T],
    pub(super) bias: &'a [T],
    pub(super) unit: Unit,
    pub(super) scratch: &'a mut Scratch<T>,
    pub(super) y: &'a Target<'a, T>,
}

impl<T: Float> Kernel<T> for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let place = Place::new(self.shape, self.unit, V::LANES);
        let Scratch { windows, tiles } = self.scratch;
        let weight = POINTS * self.shape.kernel[0] * TAPS * V::LANES;
        let weight = &self.weight[self.unit.block * weight..][..weight];
        V::call(EvaluateWindows { place: &place, x: self.x, windows });
        V::call(Convolve { place: &place, windows, weight, tiles, bias: Some(self.bias), y: self.y });
    }
}

/// The gradients of one unit.
pub(super) struct Backward<'a, T> {
    pub(super) shape: &'a DepthwiseShape,
    pub(super) x: &'a [T],
    pub(super) dy: &'a [T],
    /// The flipped weight, evaluated as [`Forward::weight`].
    pub(super) flipped: &'a [T],
    pub(super) unit: Unit,
    pub(super) scratch: &'a mut Scratch<T>,
    pub(super) dx: Option<&'a Target<'a, T>>,
    /// `[point][kt, kh][lane]`, of the flipped weight.
    pub(super) sums: &'a mut [T],
}

impl<T: Float> Kernel<T> for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let place = Place::new(self.shape, self.unit, V::LANES);
        let Scratch { windows, tiles } = self.scratch;
        V::call(EvaluateWindows { place: &place, x: self.dy, windows });
        if let Some(dx) = self.dx {
            let weight = POINTS * self.shape.kernel[0] * TAPS * V::LANES;
            let weight = &self.flipped[self.unit.block * weight..][..weight];
            V::call(Convolve { place: &place, windows, weight, tiles, bias: None, y: dx });
        }
        place.evaluate_tile(&Transform::<V>::new::<T>(), self.x, tiles);
        place.correlate::<T, V>(windows, tiles, self.sums);
    }
}
