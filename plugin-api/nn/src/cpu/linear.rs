//! The fully connected layer.

use rayon::prelude::*;

use super::matmul::{AddOuter, Multiply, Panels, Rows, Start};
use super::reduce::{add_in_order, column_sums};
use super::simd::{Float, Isa};
use super::zeros::zeros;

/// The shape of a linear layer.
pub(crate) struct Linear {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

/// Rows per call of a kernel, few enough to stay in the cache.
const ROWS: usize = 48;

impl Linear {
    /// `(rows, out)` from `x (rows, in)`, `weight (out, in)` and `bias (out)`.
    pub(crate) fn forward<T: Float>(&self, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
        let panels = Panels::new(Isa::best(), self.inputs, self.outputs, |k, n| weight[n * self.inputs + k]);
        self.multiply(x, self.inputs, &panels, Start::Row(bias), self.outputs)
    }

    fn multiply<T: Float>(
        &self,
        x: &[T],
        inner: usize,
        panels: &Panels<T>,
        start: Start<'_, T>,
        columns: usize,
    ) -> Vec<T> {
        let isa = Isa::best();
        let mut y = zeros(x.len() / inner * columns);
        y.par_chunks_mut(ROWS * columns).zip(x.par_chunks(ROWS * inner)).for_each(|(out, x)| {
            isa.run(Multiply { rows: Rows::plain(x, inner), panels, start, out, out_stride: columns });
        });
        y
    }

    /// The gradients of x (if wanted), weight and bias.
    pub(crate) fn backward<T: Float>(
        &self,
        x: &[T],
        weight: &[T],
        dy: &[T],
        want_dx: bool,
    ) -> (Option<Vec<T>>, Vec<T>, Vec<T>) {
        let dx = want_dx.then(|| {
            let panels = Panels::new(Isa::best(), self.outputs, self.inputs, |k, n| weight[k * self.inputs + n]);
            self.multiply(dy, self.outputs, &panels, Start::Zero, self.inputs)
        });
        (dx, self.weight_gradient(x, dy), column_sums(dy, self.outputs))
    }

    /// Each task has some rows of the weight and, if these are few, some rows of x, over which partial sums are added
    /// in order. Both counts depend on the shapes alone.
    fn weight_gradient<T: Float>(&self, x: &[T], dy: &[T]) -> Vec<T> {
        const OUTPUTS: usize = 96;
        const TASKS: usize = 16;
        let isa = Isa::best();
        let rows = x.len() / self.inputs;
        let splits = (TASKS / self.outputs.div_ceil(OUTPUTS)).clamp(1, rows.div_ceil(ROWS));
        let per_split = rows.div_ceil(splits).next_multiple_of(ROWS);
        let elements = self.outputs * self.inputs;
        let mut partials = zeros(rows.div_ceil(per_split) * elements);
        partials
            .par_chunks_mut(elements)
            .zip(x.par_chunks(per_split * self.inputs).zip(dy.par_chunks(per_split * self.outputs)))
            .flat_map(|(sums, (x, dy))| {
                sums.par_chunks_mut(OUTPUTS * self.inputs).enumerate().map(move |(i, sums)| (i, sums, x, dy))
            })
            .for_each(|(i, sums, x, dy)| {
                for (x, dy) in x.chunks(ROWS * self.inputs).zip(dy.chunks(ROWS * self.outputs)) {
                    let rows = Rows {
                        data: dy,
                        count: dy.len() / self.outputs,
                        stride: self.outputs,
                        starts: &[i * OUTPUTS],
                        len: sums.len() / self.inputs,
                    };
                    isa.run(AddOuter { a: rows, b: x, sums });
                }
            });
        add_in_order(&partials, elements)
    }
}
