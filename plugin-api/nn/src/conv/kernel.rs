//! The loops of the dense convolution and its gradients.
//!
//! A band of output rows sees a few rows of input. These are copied next to each other, with the zeros of the padding
//! around them; what one output sees is then a few stretches of the copy, and the patches of a row overlap in it as
//! they do in the field. The products with the weight read them there.

use rayon::prelude::*;

use super::Axis;
use super::patches::Window;
use crate::float::Float;
use crate::matmul::{AddOuter, Multiply, Panels, Rows, Start};
use crate::memory::zeros;
use crate::reduce::{add_in_order, column_sums};
use crate::simd::{Isa, Kernel, Vector};

/// A convolution of fields of one shape.
#[derive(Clone, Copy)]
pub(crate) struct Convolution {
    pub(crate) window: Window,
    pub(crate) batch: usize,
    /// Channels of the output.
    pub(crate) filters: usize,
}

/// Output rows `first..first + count` of plane `plane`, all samples' planes being counted through.
#[derive(Clone, Copy)]
struct Band {
    plane: usize,
    first: usize,
    count: usize,
}

/// Elements of a copied band, about: it should stay in a core's cache.
const BAND: usize = 16 * 1024;

impl Convolution {
    pub(super) fn forward<T: Float>(&self, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
        self.forward_with(x, bias, |k, n| weight[self.weight_at(k, n)])
    }

    /// The gradients of x, if wanted, of weight and of bias.
    pub(super) fn backward<T: Float>(
        &self,
        x: &[T],
        weight: &[T],
        dy: &[T],
        want_dx: bool,
    ) -> (Option<Vec<T>>, Vec<T>, Vec<T>) {
        let dx = want_dx.then(|| self.input_gradient(weight, dy));
        (dx, self.weight_gradient(x, dy), column_sums(dy, self.filters))
    }

    /// Where in a weight `(O, I, kt, kh, kw)` the matrix of the products has its row `k` and column `n`: rows are in
    /// the order of a patch, `(kt, kh, kw, I)`.
    fn weight_at(&self, k: usize, n: usize) -> usize {
        let channels = self.window.channels;
        let taps = self.window.patch_len() / channels;
        (n * channels + k % channels) * taps + k / channels
    }

    /// The convolution whose weight is, as a matrix, `weight(k, n)`.
    fn forward_with<T: Float>(&self, x: &[T], bias: &[T], weight: impl Fn(usize, usize) -> T + Sync) -> Vec<T> {
        let isa = Isa::for_channels::<T>(self.filters);
        let panels = &Panels::new(isa, self.window.patch_len(), self.filters, weight);
        let [frames, height, width] = self.window.outputs;
        let row = width * self.filters;
        let mut y = zeros(self.batch * frames * height * row);
        y.par_chunks_mut(height * row)
            .enumerate()
            .flat_map(|(plane, y)| {
                let rows = self.rows_per_band();
                y.par_chunks_mut(rows * row).enumerate().map(move |(i, y)| {
                    let count = y.len() / row;
                    (Band { plane, first: i * rows, count }, y)
                })
            })
            .for_each_init(Vec::new, |copy, (band, y)| {
                self.copy_band(x, band, copy);
                isa.run(ForwardBand { convolution: self, copy, panels, bias, y });
            });
        y
    }

    fn weight_gradient<T: Float>(&self, x: &[T], dy: &[T]) -> Vec<T> {
        let isa = Isa::for_channels::<T>(self.filters);
        let [frames, height, width] = self.window.outputs;
        let row = width * self.filters;
        let per_band = self.rows_per_band();
        let bands: Vec<Band> = (0..self.batch * frames)
            .flat_map(|plane| {
                (0..height).step_by(per_band).map(move |first| Band {
                    plane,
                    first,
                    count: per_band.min(height - first),
                })
            })
            .collect();
        // Each task has sums of its own, which are added in order. How many tasks there are depends on the shapes
        // alone.
        let elements = self.window.patch_len() * self.filters;
        let tasks = bands.len().min((2 << 20) / elements).clamp(1, 64);
        let per_task = bands.len().div_ceil(tasks);
        let mut partials = zeros(bands.len().div_ceil(per_task) * elements);
        partials.par_chunks_mut(elements).zip(bands.par_chunks(per_task)).for_each_init(
            Vec::new,
            |copy, (sums, bands)| {
                for &band in bands {
                    self.copy_band(x, band, copy);
                    let dy = &dy[(band.plane * height + band.first) * row..][..band.count * row];
                    isa.run(WeightGradientBand { convolution: self, copy, dy, sums });
                }
            },
        );
        let sums = add_in_order(&partials, elements);
        let mut gradient = vec![T::zero(); elements];
        for (i, sum) in sums.into_iter().enumerate() {
            gradient[self.weight_at(i / self.filters, i % self.filters)] = sum;
        }
        gradient
    }

    fn input_gradient<T: Float>(&self, weight: &[T], dy: &[T]) -> Vec<T> {
        let axes = self.window.axes;
        if axes.iter().all(|axis| axis.stride == axis.kernel && axis.padding == (0, 0)) {
            return self.gradient_of_patches(weight, dy);
        }
        let turned = |axis: Axis| -> Option<Axis> {
            let reach = axis.kernel - 1;
            let padding = (reach.checked_sub(axis.padding.0)?, reach.checked_sub(axis.padding.1)?);
            (axis.stride == 1).then_some(Axis { padding, ..axis })
        };
        if let [Some(t), Some(h), Some(w)] = axes.map(turned) {
            // The gradient of a convolution is one with the kernel turned round.
            let window = Window {
                axes: [t, h, w],
                size: self.window.outputs,
                outputs: self.window.size,
                channels: self.filters,
            };
            let back = Self { window, batch: self.batch, filters: self.window.channels };
            let taps = self.window.patch_len() / self.window.channels;
            return back.forward_with(dy, &vec![T::zero(); back.filters], |k, n| {
                let (tap, filter) = (k / self.filters, k % self.filters);
                weight[(filter * self.window.channels + n) * taps + taps - 1 - tap]
            });
        }
        self.scattered_gradient(weight, dy)
    }

    /// The gradient of the input where patches touch but do not overlap.
    fn gradient_of_patches<T: Float>(&self, weight: &[T], dy: &[T]) -> Vec<T> {
        let Window { axes, size, outputs, channels } = self.window;
        let [kt, kh, kw] = axes.map(|axis| axis.kernel);
        let [_, height, width] = size;
        let (stretch, row) = (kw * channels, width * channels);
        let isa = Isa::for_channels::<T>(stretch);
        let panels: Vec<Panels<T>> = (0..kt * kh)
            .map(|tap| Panels::new(isa, self.filters, stretch, |k, n| weight[self.weight_at(tap * stretch + n, k)]))
            .collect();
        let plane = outputs[1] * outputs[2] * self.filters;
        let mut dx = zeros(self.batch * size.iter().product::<usize>() * channels);
        dx.par_chunks_mut(size.iter().product::<usize>() * channels)
            .zip(dy.par_chunks(outputs[0] * plane))
            .flat_map(|(dx, dy)| dx.par_chunks_mut(kt * height * row).zip(dy.par_chunks(plane)))
            .for_each(|(dx, dy)| {
                for (h, dy) in dy.chunks_exact(outputs[2] * self.filters).enumerate() {
                    for (tap, panels) in panels.iter().enumerate() {
                        let (dt, dh) = (tap / kh, tap % kh);
                        let out = &mut dx[(dt * height + h * kh + dh) * row..][..row];
                        let rows = Rows::plain(dy, self.filters);
                        isa.run(Multiply { rows, panels, start: Start::Zero, out, out_stride: stretch });
                    }
                }
            });
        dx
    }

    /// The gradient of the input of any convolution, by way of the gradient of its patches.
    fn scattered_gradient<T: Float>(&self, weight: &[T], dy: &[T]) -> Vec<T> {
        let patch = self.window.patch_len();
        let isa = Isa::for_channels::<T>(patch);
        let panels = &Panels::new(isa, self.filters, patch, |k, n| weight[self.weight_at(n, k)]);
        let block = 64;
        let mut patches = zeros(dy.len() / self.filters * patch);
        patches.par_chunks_mut(block * patch).zip(dy.par_chunks(block * self.filters)).for_each(|(out, dy)| {
            let rows = Rows::plain(dy, self.filters);
            isa.run(Multiply { rows, panels, start: Start::Zero, out, out_stride: patch });
        });
        self.window.scatter(&patches, self.batch)
    }

    /// Output rows of a band.
    fn rows_per_band(&self) -> usize {
        let [time, height, _] = &self.window.axes;
        let per_row = time.kernel * height.stride * self.copied_row();
        (BAND / per_row).clamp(1, self.window.outputs[1])
    }

    /// Rows of a copied band that one plane gives.
    fn copied_rows(&self, count: usize) -> usize {
        let height = &self.window.axes[1];
        (count - 1) * height.stride + height.kernel
    }

    /// Elements of a copied row.
    fn copied_row(&self) -> usize {
        let width = &self.window.axes[2];
        ((self.window.outputs[2] - 1) * width.stride + width.kernel) * self.window.channels
    }

    /// Copies what `band` sees: for each tap in time its rows, `(kt, rows, positions, C)`.
    fn copy_band<T: Float>(&self, x: &[T], band: Band, copy: &mut Vec<T>) {
        let Window { axes: [time, height, width], size, outputs, channels } = self.window;
        let (rows, row) = (self.copied_rows(band.count), self.copied_row());
        let source_row = size[2] * channels;
        let (sample, frame) = (band.plane / outputs[0], band.plane % outputs[0]);
        let before = (width.padding.0 * channels).min(row);
        let inside = (row - before).min(source_row);
        copy.clear();
        copy.resize(time.kernel * rows * row, T::zero());
        for (i, to) in copy.chunks_exact_mut(row).enumerate() {
            let t = time.input(frame, i / rows, size[0]);
            let h = height.input(band.first, i % rows, size[1]);
            if let (Some(t), Some(h)) = (t, h) {
                let from = &x[((sample * size[0] + t) * size[1] + h) * source_row..][..inside];
                to[before..][..inside].copy_from_slice(from);
            }
        }
    }

    /// The patches of output row `row` of a band, in a copy of it. `starts` is what [`starts`](Self::starts) gave.
    fn patches<'a, T: Float>(&self, copy: &'a [T], starts: &'a [usize], row: usize) -> Rows<'a, T> {
        let [_, height, width] = &self.window.axes;
        Rows {
            data: &copy[row * height.stride * self.copied_row()..],
            count: self.window.outputs[2],
            stride: width.stride * self.window.channels,
            starts,
            len: width.kernel * self.window.channels,
        }
    }

    /// Where the stretches of a patch begin in the copy of a band of `count` rows.
    fn starts(&self, count: usize) -> Vec<usize> {
        let [time, height, _] = &self.window.axes;
        let (rows, row) = (self.copied_rows(count), self.copied_row());
        (0..time.kernel * height.kernel).map(|tap| (tap / height.kernel * rows + tap % height.kernel) * row).collect()
    }
}

struct ForwardBand<'a, T> {
    convolution: &'a Convolution,
    copy: &'a [T],
    panels: &'a Panels<T>,
    bias: &'a [T],
    y: &'a mut [T],
}

impl<T: Float> Kernel<T> for ForwardBand<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { convolution, copy, panels, bias, y } = self;
        let out_stride = convolution.filters;
        let row = convolution.window.outputs[2] * out_stride;
        let starts = convolution.starts(y.len() / row);
        for (i, out) in y.chunks_exact_mut(row).enumerate() {
            let rows = convolution.patches(copy, &starts, i);
            Multiply { rows, panels, start: Start::Row(bias), out, out_stride }.run::<V>();
        }
    }
}

struct WeightGradientBand<'a, T> {
    convolution: &'a Convolution,
    copy: &'a [T],
    dy: &'a [T],
    sums: &'a mut [T],
}

impl<T: Float> Kernel<T> for WeightGradientBand<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { convolution, copy, dy, sums } = self;
        let row = convolution.window.outputs[2] * convolution.filters;
        let starts = convolution.starts(dy.len() / row);
        for (i, b) in dy.chunks_exact(row).enumerate() {
            AddOuter { a: convolution.patches(copy, &starts, i), b, sums }.run::<V>();
        }
    }
}
