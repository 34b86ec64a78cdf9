//! The gradient of the input of a dense convolution: three algorithms, by the axes.

use rayon::prelude::*;

use super::products;
use crate::cpu::im2col::col2im;
use crate::cpu::matmul::{Multiply, Panels, Rows, Start};
use crate::cpu::simd::{Float, Isa};
use crate::cpu::zeros::zeros;
use crate::shape::{Axis, ConvShape, Window};

/// `(B, T, H, W, I)` from `weight (O, I, kt, kh, kw)` and the gradient of the result `(B, T', H', W', O)`.
pub(super) fn input_gradient<T: Float>(shape: &ConvShape, weight: &[T], dy: &[T]) -> Vec<T> {
    let axes = shape.window.axes;
    if axes.iter().all(|axis| axis.stride == axis.kernel && axis.padding == (0, 0)) {
        return disjoint(shape, weight, dy);
    }
    let flipped = |axis: Axis| -> Option<Axis> {
        let reach = axis.kernel - 1;
        let padding = (reach.checked_sub(axis.padding.0)?, reach.checked_sub(axis.padding.1)?);
        (axis.stride == 1).then_some(Axis { padding, ..axis })
    };
    if let [Some(t), Some(h), Some(w)] = axes.map(flipped) {
        // The gradient is the convolution of dy with the flipped kernel.
        let window =
            Window { axes: [t, h, w], size: shape.window.outputs, outputs: shape.window.size, channels: shape.filters };
        let back = ConvShape { window, batch: shape.batch, filters: shape.window.channels };
        let taps = shape.window.patch_len() / shape.window.channels;
        return products::forward(&back, dy, &vec![T::zero(); back.filters], |k, n| {
            let (tap, filter) = (k / shape.filters, k % shape.filters);
            weight[(filter * shape.window.channels + n) * taps + taps - 1 - tap]
        });
    }
    by_col2im(shape, weight, dy)
}

/// The gradient for patches that touch without overlapping: each position of dx belongs to one patch.
fn disjoint<T: Float>(shape: &ConvShape, weight: &[T], dy: &[T]) -> Vec<T> {
    let Window { axes, size, outputs, channels } = shape.window;
    let [kt, kh, kw] = axes.map(|axis| axis.kernel);
    let [_, height, width] = size;
    let (stretch, row) = (kw * channels, width * channels);
    let isa = Isa::for_channels::<T>(stretch);
    let panels: Vec<Panels<T>> = (0..kt * kh)
        .map(|tap| {
            Panels::new(isa, shape.filters, stretch, |k, n| weight[products::weight_at(shape, tap * stretch + n, k)])
        })
        .collect();
    let plane = outputs[1] * outputs[2] * shape.filters;
    let mut dx = zeros(shape.batch * size.iter().product::<usize>() * channels);
    dx.par_chunks_mut(size.iter().product::<usize>() * channels)
        .zip(dy.par_chunks(outputs[0] * plane))
        .flat_map(|(dx, dy)| dx.par_chunks_mut(kt * height * row).zip(dy.par_chunks(plane)))
        .for_each(|(dx, dy)| {
            for (h, dy) in dy.chunks_exact(outputs[2] * shape.filters).enumerate() {
                for (tap, panels) in panels.iter().enumerate() {
                    let (dt, dh) = (tap / kh, tap % kh);
                    let out = &mut dx[(dt * height + h * kh + dh) * row..][..row];
                    let rows = Rows::plain(dy, shape.filters);
                    isa.run(Multiply { rows, panels, start: Start::Zero, out, out_stride: stretch });
                }
            }
        });
    dx
}

/// The gradient of any convolution: that of its patches, summed by [`col2im`].
fn by_col2im<T: Float>(shape: &ConvShape, weight: &[T], dy: &[T]) -> Vec<T> {
    let patch = shape.window.patch_len();
    let isa = Isa::for_channels::<T>(patch);
    let panels = &Panels::new(isa, shape.filters, patch, |k, n| weight[products::weight_at(shape, n, k)]);
    let block = 64;
    let mut patches = zeros(dy.len() / shape.filters * patch);
    patches.par_chunks_mut(block * patch).zip(dy.par_chunks(block * shape.filters)).for_each(|(out, dy)| {
        let rows = Rows::plain(dy, shape.filters);
        isa.run(Multiply { rows, panels, start: Start::Zero, out, out_stride: patch });
    });
    col2im(&shape.window, &patches, shape.batch)
}
