//! Products of patches with the weight, band by band.

use rayon::prelude::*;

use super::bands::{Band, Bands};
use crate::cpu::matmul::{AddOuter, Multiply, Panels, Start};
use crate::cpu::reduce::add_in_order;
use crate::cpu::simd::{Float, Isa, Kernel, Vector};
use crate::cpu::zeros::zeros;
use crate::shape::ConvShape;

/// The index in a weight `(O, I, kt, kh, kw)` of row `k` and column `n` of its matrix, whose rows are in the order of a
/// patch, `(kt, kh, kw, I)`.
pub(super) fn weight_at(shape: &ConvShape, k: usize, n: usize) -> usize {
    let channels = shape.window.channels;
    let taps = shape.window.patch_len() / channels;
    (n * channels + k % channels) * taps + k / channels
}

/// The convolution whose weight, as a matrix `(kt kh kw I, O)`, has the elements `weight(k, n)`.
pub(super) fn forward<T: Float>(
    shape: &ConvShape,
    x: &[T],
    bias: &[T],
    weight: impl Fn(usize, usize) -> T + Sync,
) -> Vec<T> {
    let bands = Bands::new(&shape.window);
    let isa = Isa::for_channels::<T>(shape.filters);
    let panels = &Panels::new(isa, shape.window.patch_len(), shape.filters, weight);
    let [frames, height, width] = shape.window.outputs;
    let row = width * shape.filters;
    let mut y = zeros(shape.batch * frames * height * row);
    y.par_chunks_mut(height * row)
        .enumerate()
        .flat_map(|(plane, y)| {
            let rows = bands.rows_per_band();
            y.par_chunks_mut(rows * row).enumerate().map(move |(i, y)| {
                let count = y.len() / row;
                (Band { plane, first: i * rows, count }, y)
            })
        })
        .for_each_init(Vec::new, |copy, (band, y)| {
            bands.copy(x, band, copy);
            isa.run(ForwardBand { shape, copy, panels, bias, y });
        });
    y
}

/// The gradient of the weight `(O, I, kt, kh, kw)`.
pub(super) fn weight_gradient<T: Float>(shape: &ConvShape, x: &[T], dy: &[T]) -> Vec<T> {
    let bands_of = Bands::new(&shape.window);
    let isa = Isa::for_channels::<T>(shape.filters);
    let [frames, height, width] = shape.window.outputs;
    let row = width * shape.filters;
    let per_band = bands_of.rows_per_band();
    let bands: Vec<Band> = (0..shape.batch * frames)
        .flat_map(|plane| {
            (0..height).step_by(per_band).map(move |first| Band { plane, first, count: per_band.min(height - first) })
        })
        .collect();
    // Each task has its own sums, which are added in order. The number of tasks depends on the shapes alone.
    let elements = shape.window.patch_len() * shape.filters;
    let tasks = bands.len().min((2 << 20) / elements).clamp(1, 64);
    let per_task = bands.len().div_ceil(tasks);
    let mut partials = zeros(bands.len().div_ceil(per_task) * elements);
    partials.par_chunks_mut(elements).zip(bands.par_chunks(per_task)).for_each_init(Vec::new, |copy, (sums, bands)| {
        for &band in bands {
            bands_of.copy(x, band, copy);
            let dy = &dy[(band.plane * height + band.first) * row..][..band.count * row];
            isa.run(WeightGradientBand { shape, copy, dy, sums });
        }
    });
    let sums = add_in_order(&partials, elements);
    let mut gradient = vec![T::zero(); elements];
    for (i, sum) in sums.into_iter().enumerate() {
        gradient[weight_at(shape, i / shape.filters, i % shape.filters)] = sum;
    }
    gradient
}

struct ForwardBand<'a, T> {
    shape: &'a ConvShape,
    copy: &'a [T],
    panels: &'a Panels<T>,
    bias: &'a [T],
    y: &'a mut [T],
}

impl<T: Float> Kernel<T> for ForwardBand<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { shape, copy, panels, bias, y } = self;
        let out_stride = shape.filters;
        let row = shape.window.outputs[2] * out_stride;
        let bands = Bands::new(&shape.window);
        let starts = bands.starts(y.len() / row);
        for (i, out) in y.chunks_exact_mut(row).enumerate() {
            let rows = bands.patches(copy, &starts, i);
            V::call(Multiply { rows, panels, start: Start::Row(bias), out, out_stride });
        }
    }
}

struct WeightGradientBand<'a, T> {
    shape: &'a ConvShape,
    copy: &'a [T],
    dy: &'a [T],
    sums: &'a mut [T],
}

impl<T: Float> Kernel<T> for WeightGradientBand<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { shape, copy, dy, sums } = self;
        let row = shape.window.outputs[2] * shape.filters;
        let bands = Bands::new(&shape.window);
        let starts = bands.starts(dy.len() / row);
        for (i, b) in dy.chunks_exact(row).enumerate() {
            V::call(AddOuter { a: bands.patches(copy, &starts, i), b, sums });
        }
    }
}
