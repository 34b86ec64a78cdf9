//! The convolution by its definition, for any kernel.
//!
//! The input is first copied into blocks of as many channels as one register holds, with zeros
//! around every row, so that the loops meet neither a ragged channel count nor the ends of rows.
//! One block of output positions then stays in registers over all taps of the kernel. The gradient
//! of the input is the same computation with the kernel turned round.

use rayon::prelude::*;

use super::{Geometry, valid_taps};
use crate::float::Float;
use crate::matmul::{load_some, store_some};
use crate::memory::zeros;
use crate::simd::{Isa, Kernel, Vector};

/// Rows that a task goes through one after the other: they find each other's input in the cache. How many they are does
/// not change any result.
const ROWS_PER_TASK: usize = 8;

/// `x` as `[channel block][b, t, h][zeros, w, zeros][lane]`.
fn pack_input<T: Float>(isa: Isa, x: &[T], g: &Geometry) -> Vec<T> {
    let lanes = isa.lanes::<T>();
    let row_len = g.padded_width() * lanes;
    let rows_per_task = ROWS_PER_TASK.min(g.rows());
    let mut packed = zeros(g.channels.div_ceil(lanes) * g.rows() * row_len);
    packed.par_chunks_mut(g.rows() * row_len).enumerate().for_each(|(block, packed)| {
        packed.par_chunks_mut(rows_per_task * row_len).enumerate().for_each(|(task, packed)| {
            let x = &x[task * rows_per_task * g.size[2] * g.channels..];
            isa.run(PackRows { g, x, first_channel: block * lanes, packed });
        })
    });
    packed
}

/// Packs the first rows of `x`, as many as fit, for one block of channels.
struct PackRows<'a, T> {
    g: &'a Geometry,
    x: &'a [T],
    first_channel: usize,
    packed: &'a mut [T],
}

impl<T: Float> Kernel<T> for PackRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let g = self.g;
        let width = g.size[2];
        let used = V::LANES.min(g.channels - self.first_channel);
        let before = g.kernel[2] / 2 * V::LANES;
        let rows = self.x.chunks_exact(width * g.channels);
        for (packed, x) in self.packed.chunks_exact_mut(g.padded_width() * V::LANES).zip(rows) {
            let inner = packed[before..][..width * V::LANES].chunks_exact_mut(V::LANES);
            for (to, from) in inner.zip(x.chunks_exact(g.channels)) {
                let from = &from[self.first_channel..][..used];
                // A whole register is one load and one store; of a part of one the rest is zeros.
                store_some(load_some::<T, V>(from), to);
            }
        }
    }
}

/// `weight` as `[channel block][tap][lane]`, the taps in reverse order if `turned`.
fn pack_weight<T: Float>(weight: &[T], g: &Geometry, lanes: usize, turned: bool) -> Vec<T> {
    let taps = g.taps();
    let mut packed = zeros(g.channels.div_ceil(lanes) * taps * lanes);
    for (c, kernel) in weight.chunks_exact(taps).enumerate() {
        for (tap, &value) in kernel.iter().enumerate() {
            let tap = if turned { taps - 1 - tap } else { tap };
            packed[((c / lanes) * taps + tap) * lanes + c % lanes] = value;
        }
    }
    packed
}

/// The convolution of packed input and weight, channels-last.
fn convolve<T: Float>(isa: Isa, g: &Geometry, x: &[T], weight: &[T], bias: Option<&[T]>) -> Vec<T> {
    let lanes = isa.lanes::<T>();
    let mut padded_bias = vec![T::zero(); g.channels.div_ceil(lanes) * lanes];
    if let Some(bias) = bias {
        padded_bias[..g.channels].copy_from_slice(bias);
    }
    let row_len = g.size[2] * g.channels;
    let mut y = zeros(g.rows() * row_len);
    y.par_chunks_mut(ROWS_PER_TASK * row_len).enumerate().for_each(|(task, y)| {
        isa.run(ConvolveRows { g, x, weight, bias: &padded_bias, first_row: task * ROWS_PER_TASK, y })
    });
    y
}

struct ConvolveRows<'a, T> {
    g: &'a Geometry,
    x: &'a [T],
    weight: &'a [T],
    bias: &'a [T],
    first_row: usize,
    y: &'a mut [T],
}

impl<T: Float> Kernel<T> for ConvolveRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let g = self.g;
        let [_, height, width] = g.size;
        let row_len = width * g.channels;
        for (block, weight) in self.weight.chunks_exact(g.taps() * V::LANES).enumerate() {
            let plane_len = height * g.padded_width() * V::LANES;
            let planes = &self.x[block * g.batch * g.size[0] * plane_len..];
            let bias = &self.bias[block * V::LANES..];
            for (i, y) in self.y.chunks_exact_mut(row_len).enumerate() {
                let row = self.first_row + i;
                let (plane, h) = (row / height, row % height);
                let row = Row { g, x: planes, weight, bias, plane, h };
                let first_channel = block * V::LANES;
                // The last block of positions overlaps the one before it rather than end early.
                let mut w = 0;
                while w < width {
                    match width {
                        8.. => row.positions::<V, 8>(w.min(width - 8), first_channel, y),
                        4.. => row.positions::<V, 4>(w.min(width - 4), first_channel, y),
                        _ => row.positions::<V, 1>(w, first_channel, y),
                    }
                    w += match width {
                        8.. => 8,
                        4.. => 4,
                        _ => 1,
                    };
                }
            }
        }
    }
}

/// One row of output for one block of channels.
struct Row<'a, T> {
    g: &'a Geometry,
    x: &'a [T],
    weight: &'a [T],
    bias: &'a [T],
    /// Index of the (b, t) plane, and the row in it.
    plane: usize,
    h: usize,
}

impl<T: Float> Row<'_, T> {
    /// Computes positions `w..w + N` and stores them into the row `y` of all channels.
    #[inline(always)]
    fn positions<V: Vector<T>, const N: usize>(&self, w: usize, first_channel: usize, y: &mut [T]) {
        let g = self.g;
        let [kt, kh, kw] = g.kernel;
        let (height, row_len) = (g.size[1], g.padded_width() * V::LANES);
        let t = self.plane % g.size[0];
        // SAFETY: the bias has one number per lane of every block.
        let mut sums = [unsafe { V::load(self.bias[..V::LANES].as_ptr()) }; N];
        for dt in valid_taps(g, 0, t) {
            let plane = self.plane + dt - kt / 2;
            for dh in valid_taps(g, 1, self.h) {
                let row = plane * height + self.h + dh - kh / 2;
                let x = &self.x[row * row_len + w * V::LANES..][..(N + kw - 1) * V::LANES];
                let weight = &self.weight[(dt * kh + dh) * kw * V::LANES..][..kw * V::LANES];
                let mut dw = 0;
                // SAFETY: `taps` reads N + TAPS - 1 registers of x and TAPS of weight from `dw`
                // on, and dw + TAPS <= kw.
                unsafe {
                    while dw + 7 <= kw {
                        taps::<T, V, N, 7>(&mut sums, x, weight, dw);
                        dw += 7;
                    }
                    while dw + 3 <= kw {
                        taps::<T, V, N, 3>(&mut sums, x, weight, dw);
                        dw += 3;
                    }
                    while dw < kw {
                        taps::<T, V, N, 1>(&mut sums, x, weight, dw);
                        dw += 1;
                    }
                }
            }
        }
        let used = V::LANES.min(g.channels - first_channel);
        for (i, sum) in sums.into_iter().enumerate() {
            let to = &mut y[(w + i) * g.channels + first_channel..][..used];
            if used == V::LANES {
                // SAFETY: `to` has that many elements.
                unsafe { sum.store(to.as_mut_ptr()) }
            } else {
                let mut all = [T::zero(); 16];
                assert!(V::LANES <= all.len());
                // SAFETY: checked on the line above.
                unsafe { sum.store(all.as_mut_ptr()) }
                to.copy_from_slice(&all[..used]);
            }
        }
    }
}

/// Adds `TAPS` neighbouring taps of one kernel row, from `first` on, to `N` neighbouring sums.
///
/// # Safety
/// `x` holds at least `first + N + TAPS - 1` registers, `weight` at least `first + TAPS`.
#[inline(always)]
unsafe fn taps<T: Float, V: Vector<T>, const N: usize, const TAPS: usize>(
    sums: &mut [V; N],
    x: &[T],
    weight: &[T],
    first: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let x = x.as_ptr().add(first * V::LANES);
        let weight = weight.as_ptr().add(first * V::LANES);
        let weight: [V; TAPS] = std::array::from_fn(|k| V::load(weight.add(k * V::LANES)));
        for (i, sum) in sums.iter_mut().enumerate() {
            for (k, &weight) in weight.iter().enumerate() {
                *sum = V::load(x.add((i + k) * V::LANES)).mul_add(weight, *sum);
            }
        }
    }
}

/// The gradient of the weight, `(C, 1, kt, kh, kw)`, from packed input and packed gradient of the
/// output. The sum over the batch is the last, in order, whichever thread did which sample.
fn weight_gradient<T: Float>(isa: Isa, g: &Geometry, x: &[T], dy: &[T]) -> Vec<T> {
    let lanes = isa.lanes::<T>();
    let [kt, kh, kw] = g.kernel;
    let tasks = g.channels.div_ceil(lanes) * kt * g.batch;
    let slab = kh * kw * lanes;
    let mut partial = zeros(tasks * slab);
    partial.par_chunks_mut(slab).enumerate().for_each(|(task, sums)| {
        isa.run(CorrelateSample {
            g,
            x,
            dy,
            block: task / (kt * g.batch),
            dt: task / g.batch % kt,
            sample: task % g.batch,
            sums,
        })
    });
    let mut gradient = vec![T::zero(); g.channels * g.taps()];
    for (c, kernel) in gradient.chunks_exact_mut(g.taps()).enumerate() {
        for (tap, sum) in kernel.iter_mut().enumerate() {
            let (dt, tap) = (tap / (kh * kw), tap % (kh * kw));
            for sample in 0..g.batch {
                let task = ((c / lanes) * kt + dt) * g.batch + sample;
                *sum += partial[task * slab + tap * lanes + c % lanes];
            }
        }
    }
    gradient
}

/// Correlates output gradient and input of one sample, one block of channels and one tap in time.
struct CorrelateSample<'a, T> {
    g: &'a Geometry,
    x: &'a [T],
    dy: &'a [T],
    block: usize,
    dt: usize,
    sample: usize,
    /// `[kh][kw][lane]`.
    sums: &'a mut [T],
}

impl<T: Float> Kernel<T> for CorrelateSample<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let g = self.g;
        let [frames, height, width] = g.size;
        let [kt, kh, kw] = g.kernel;
        let row_len = g.padded_width() * V::LANES;
        let first_plane = (self.block * g.batch + self.sample) * frames;
        for t in 0..frames {
            if !valid_taps(g, 0, t).contains(&self.dt) {
                continue;
            }
            for h in 0..height {
                let row = (first_plane + t) * height + h;
                let dy = &self.dy[row * row_len + kw / 2 * V::LANES..][..width * V::LANES];
                for dh in valid_taps(g, 1, h) {
                    let row = (first_plane + t + self.dt - kt / 2) * height + h + dh - kh / 2;
                    let x = &self.x[row * row_len..][..row_len];
                    let sums = &mut self.sums[dh * kw * V::LANES..][..kw * V::LANES];
                    let mut dw = 0;
                    // SAFETY: dw + TAPS <= kw, and x is kw - 1 positions longer than dy.
                    unsafe {
                        while dw + 7 <= kw {
                            correlate::<T, V, 7>(sums, x, dy, dw);
                            dw += 7;
                        }
                        while dw + 3 <= kw {
                            correlate::<T, V, 3>(sums, x, dy, dw);
                            dw += 3;
                        }
                        while dw < kw {
                            correlate::<T, V, 1>(sums, x, dy, dw);
                            dw += 1;
                        }
                    }
                }
            }
        }
    }
}

/// Adds to `sums[first + k]`, for `k < TAPS`, the product of `dy` with `x` shifted by `first + k`.
///
/// # Safety
/// `sums` holds at least `first + TAPS` registers, and `x` `first + TAPS - 1` more than `dy`.
#[inline(always)]
unsafe fn correlate<T: Float, V: Vector<T>, const TAPS: usize>(sums: &mut [T], x: &[T], dy: &[T], first: usize) {
    // Enough positions at once for the loads of x to be shared between them.
    const UNROLL: usize = 4;
    let width = dy.len() / V::LANES;
    // SAFETY: the caller's promise.
    unsafe {
        let x = x.as_ptr().add(first * V::LANES);
        let dy = dy.as_ptr();
        let sums = sums.as_mut_ptr().add(first * V::LANES);
        let mut row = [V::splat(T::zero()); TAPS];
        let mut w = 0;
        while w + UNROLL <= width {
            for i in w..w + UNROLL {
                let dy = V::load(dy.add(i * V::LANES));
                for (k, sum) in row.iter_mut().enumerate() {
                    *sum = V::load(x.add((i + k) * V::LANES)).mul_add(dy, *sum);
                }
            }
            w += UNROLL;
        }
        for i in w..width {
            let dy = V::load(dy.add(i * V::LANES));
            for (k, sum) in row.iter_mut().enumerate() {
                *sum = V::load(x.add((i + k) * V::LANES)).mul_add(dy, *sum);
            }
        }
        for (k, row) in row.into_iter().enumerate() {
            let sum = sums.add(k * V::LANES);
            V::load(sum).add(row).store(sum);
        }
    }
}

pub(super) fn forward<T: Float>(isa: Isa, g: &Geometry, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
    let lanes = isa.lanes::<T>();
    let x = pack_input(isa, x, g);
    let weight = pack_weight(weight, g, lanes, false);
    convolve(isa, g, &x, &weight, Some(bias))
}

/// Gradients of input (if wanted) and weight.
pub(super) fn backward<T: Float>(
    isa: Isa,
    g: &Geometry,
    x: &[T],
    weight: &[T],
    dy: &[T],
    want_dx: bool,
) -> (Option<Vec<T>>, Vec<T>) {
    let lanes = isa.lanes::<T>();
    let packed_dy = pack_input(isa, dy, g);
    let dx = want_dx.then(|| {
        let turned = pack_weight(weight, g, lanes, true);
        convolve(isa, g, &packed_dy, &turned, None)
    });
    let x = pack_input(isa, x, g);
    (dx, weight_gradient(isa, g, &x, &packed_dy))
}
