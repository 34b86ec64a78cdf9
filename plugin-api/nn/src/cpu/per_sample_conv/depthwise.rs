//! One kernel per channel.

use rayon::prelude::*;

use super::grid::{Grid, TAPS};
use crate::cpu::simd::{Float, Isa, Kernel, Vector};
use crate::cpu::zeros::zeros;

/// The shape of a convolution: `x (B, H, W, I)`, `weight (B, 9, I)`; `per_output` channels are summed to one output.
pub(crate) struct Depthwise {
    pub(crate) grid: Grid,
    pub(crate) inputs: usize,
    pub(crate) per_output: usize,
}

/// The result for one sample.
struct Forward<'a, T> {
    op: &'a Depthwise,
    x: &'a [T],
    weight: &'a [T],
    y: &'a mut [T],
}

impl<T: Float> Kernel<T> for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Depthwise { grid, inputs, per_output } = self.op;
        let mut sums = vec![T::zero(); *inputs];
        for (at, y) in self.y.chunks_exact_mut(inputs / per_output).enumerate() {
            sums.fill(T::zero());
            for (tap, weight) in self.weight.chunks_exact(*inputs).enumerate() {
                let x = &self.x[grid.point(at / grid.width, at % grid.width, tap) * inputs..][..*inputs];
                for ((sum, x), weight) in sums.iter_mut().zip(x).zip(weight) {
                    *sum = x.mul_add(*weight, *sum, V::FUSED);
                }
            }
            match per_output {
                1 => y.copy_from_slice(&sums),
                _ => {
                    for (y, sums) in y.iter_mut().zip(sums.chunks_exact(*per_output)) {
                        *y = sums.iter().fold(T::zero(), |sum, &term| sum + term);
                    }
                }
            }
        }
    }
}

/// The gradients for one sample.
struct Backward<'a, T> {
    op: &'a Depthwise,
    x: &'a [T],
    weight: &'a [T],
    dy: &'a [T],
    dx: &'a mut [T],
    dweight: &'a mut [T],
}

impl<T: Float> Kernel<T> for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Depthwise { grid, inputs, per_output } = self.op;
        let mut gradient = vec![T::zero(); *inputs];
        for (at, dy) in self.dy.chunks_exact(inputs / per_output).enumerate() {
            for (gradient, dy) in gradient.chunks_exact_mut(*per_output).zip(dy) {
                gradient.fill(*dy);
            }
            let weights = self.weight.chunks_exact(*inputs).zip(self.dweight.chunks_exact_mut(*inputs));
            for (tap, (weight, dweight)) in weights.enumerate() {
                let from = grid.point(at / grid.width, at % grid.width, tap) * inputs;
                let (x, dx) = (&self.x[from..][..*inputs], &mut self.dx[from..][..*inputs]);
                for ((dx, weight), gradient) in dx.iter_mut().zip(weight).zip(&gradient) {
                    *dx = gradient.mul_add(*weight, *dx, V::FUSED);
                }
                for ((dweight, x), gradient) in dweight.iter_mut().zip(x).zip(&gradient) {
                    *dweight = gradient.mul_add(*x, *dweight, V::FUSED);
                }
            }
        }
    }
}

impl Depthwise {
    pub(crate) fn forward<T: Float>(&self, x: &[T], weight: &[T]) -> Vec<T> {
        let isa = Isa::best();
        let of_sample = self.grid.points() * self.inputs;
        let mut y = zeros(x.len() / self.per_output);
        y.par_chunks_mut(of_sample / self.per_output)
            .zip(x.par_chunks(of_sample).zip(weight.par_chunks(TAPS * self.inputs)))
            .for_each(|(y, (x, weight))| isa.run(Forward { op: self, x, weight, y }));
        y
    }

    /// The gradients of x and weight.
    pub(crate) fn backward<T: Float>(&self, x: &[T], weight: &[T], dy: &[T]) -> (Vec<T>, Vec<T>) {
        let isa = Isa::best();
        let (of_sample, of_weight) = (self.grid.points() * self.inputs, TAPS * self.inputs);
        let (mut dx, mut dweight) = (zeros(x.len()), zeros(weight.len()));
        dx.par_chunks_mut(of_sample)
            .zip(dweight.par_chunks_mut(of_weight))
            .zip(x.par_chunks(of_sample).zip(weight.par_chunks(of_weight)))
            .zip(dy.par_chunks(of_sample / self.per_output))
            .for_each(|(((dx, dweight), (x, weight)), dy)| {
                isa.run(Backward { op: self, x, weight, dy, dx, dweight });
            });
        (dx, dweight)
    }
}
