//! Kernels that connect all input channels with all output channels.

use rayon::prelude::*;

use super::grid::{Grid, TAPS};
use crate::cpu::matmul::{AddOuter, Multiply, Panels, Rows, Start};
use crate::cpu::simd::{Float, Isa};
use crate::cpu::zeros::zeros;

/// The shape of a convolution: `x (B, H, W, I)`, `weight (B, O, 9 I)`.
pub(crate) struct Dense {
    pub(crate) grid: Grid,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

impl Dense {
    fn patch(&self) -> usize {
        TAPS * self.inputs
    }

    /// Copies the patches of one row of points.
    fn read_row<T: Float>(&self, x: &[T], row: usize, patches: &mut [T]) {
        for (i, to) in patches.chunks_exact_mut(self.inputs).enumerate() {
            let from = self.grid.point(row, i / TAPS, i % TAPS) * self.inputs;
            to.copy_from_slice(&x[from..][..self.inputs]);
        }
    }

    /// The transpose of [`read_row`](Self::read_row).
    fn add_row<T: Float>(&self, patches: &[T], row: usize, x: &mut [T]) {
        for (i, from) in patches.chunks_exact(self.inputs).enumerate() {
            let to = self.grid.point(row, i / TAPS, i % TAPS) * self.inputs;
            for (to, from) in x[to..][..self.inputs].iter_mut().zip(from) {
                *to += *from;
            }
        }
    }

    pub(crate) fn forward<T: Float>(&self, x: &[T], weight: &[T]) -> Vec<T> {
        let isa = Isa::best();
        let (points, width, patch, outputs) = (self.grid.points(), self.grid.width, self.patch(), self.outputs);
        let mut y = zeros(x.len() / self.inputs * outputs);
        y.par_chunks_mut(points * outputs)
            .zip(x.par_chunks(points * self.inputs).zip(weight.par_chunks(outputs * patch)))
            .for_each(|(y, (x, weight))| {
                let panels = &Panels::new(isa, patch, outputs, |k, n| weight[n * patch + k]);
                let mut patches = vec![T::zero(); width * patch];
                for (row, out) in y.chunks_exact_mut(width * outputs).enumerate() {
                    self.read_row(x, row, &mut patches);
                    let rows = Rows::plain(&patches, patch);
                    isa.run(Multiply { rows, panels, start: Start::Zero, out, out_stride: outputs });
                }
            });
        y
    }

    /// The gradients of x and weight.
    pub(crate) fn backward<T: Float>(&self, x: &[T], weight: &[T], dy: &[T]) -> (Vec<T>, Vec<T>) {
        let isa = Isa::best();
        let (points, width, patch, outputs) = (self.grid.points(), self.grid.width, self.patch(), self.outputs);
        let (mut dx, mut dweight) = (zeros(x.len()), zeros(weight.len()));
        dx.par_chunks_mut(points * self.inputs)
            .zip(dweight.par_chunks_mut(outputs * patch))
            .zip(x.par_chunks(points * self.inputs).zip(weight.par_chunks(outputs * patch)))
            .zip(dy.par_chunks(points * outputs))
            .for_each(|(((dx, sums), (x, weight)), dy)| {
                let panels = &Panels::new(isa, outputs, patch, |k, n| weight[k * patch + n]);
                let mut patches = vec![T::zero(); width * patch];
                for (row, dy) in dy.chunks_exact(width * outputs).enumerate() {
                    self.read_row(x, row, &mut patches);
                    isa.run(AddOuter { a: Rows::plain(dy, outputs), b: &patches, sums });
                    let rows = Rows::plain(dy, outputs);
                    isa.run(Multiply { rows, panels, start: Start::Zero, out: &mut patches, out_stride: patch });
                    self.add_row(&patches, row, dx);
                }
            });
        (dx, dweight)
    }
}
