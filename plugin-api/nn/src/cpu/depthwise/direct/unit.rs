//! The loops over one unit of work.

use std::ops::Range;

use crate::cpu::depthwise::target::Target;
use crate::cpu::simd::{Float, Kernel, Vector, load_some, store_some};
use crate::shape::DepthwiseShape;

/// The work of one task: one register of channels of some rows of one sample, over all its frames.
pub(super) struct Unit {
    /// Index of the register of channels.
    pub(super) block: usize,
    pub(super) sample: usize,
    pub(super) rows: Range<usize>,
}

/// The positions of a unit in the field and in its copied window.
pub(super) struct Place<'a> {
    shape: &'a DepthwiseShape,
    unit: &'a Unit,
    /// The unit's rows, and the rows around them that taps reach.
    window: Range<usize>,
    first_channel: usize,
    /// Channels of the register that exist in the field.
    used: usize,
}

impl<'a> Place<'a> {
    #[inline(always)]
    pub(super) fn new(shape: &'a DepthwiseShape, unit: &'a Unit, lanes: usize) -> Self {
        let half = shape.kernel[1] / 2;
        let window = unit.rows.start.saturating_sub(half)..shape.size[1].min(unit.rows.end + half);
        let first_channel = unit.block * lanes;
        Self { shape, unit, window, first_channel, used: lanes.min(shape.channels - first_channel) }
    }

    /// The first channel at the start of a row of a field.
    #[inline(always)]
    fn row_of_field(&self, t: usize, h: usize) -> usize {
        let [frames, height, width] = self.shape.size;
        ((self.unit.sample * frames + t) * height + h) * width * self.shape.channels + self.first_channel
    }

    /// A row of the copied window, with its padding.
    #[inline(always)]
    fn row_of_window<V: Vector<T>, T: Float>(&self, t: usize, h: usize) -> Range<usize> {
        let len = self.shape.padded_width() * V::LANES;
        let row = t * self.window.len() + h - self.window.start;
        row * len..(row + 1) * len
    }

    /// Copies the window of `x` to `to`, `[t][row][zeros, w, zeros][lane]`. The zeros are at the same places for all
    /// units, so they are written only when `to` grows.
    #[inline(always)]
    pub(super) fn copy_window<V: Vector<T>, T: Float>(&self, x: &[T], to: &mut Vec<T>) {
        let shape = self.shape;
        let [frames, _, width] = shape.size;
        let len = frames * self.window.len() * shape.padded_width() * V::LANES;
        if to.len() < len {
            to.resize(len, T::zero());
        }
        let before = shape.kernel[2] / 2 * V::LANES;
        for t in 0..frames {
            for h in self.window.clone() {
                let row = &mut to[self.row_of_window::<V, T>(t, h)][before..][..width * V::LANES];
                let first = self.row_of_field(t, h);
                for (w, to) in row.chunks_exact_mut(V::LANES).enumerate() {
                    // A whole register is one load and one store; a partial one is filled up with zeros.
                    store_some(load_some::<T, V>(&x[first + w * shape.channels..][..self.used]), to);
                }
            }
        }
    }

    /// See [`Convolve`].
    #[inline(always)]
    fn convolve<V: Vector<T>, T: Float>(&self, window: &[T], weight: &[T], bias: Option<&[T]>, y: &Target<'_, T>) {
        let [frames, _, width] = self.shape.size;
        let bias: V = match bias {
            Some(bias) => load_some(&bias[self.first_channel..][..self.used]),
            None => V::splat(T::zero()),
        };
        for t in 0..frames {
            for h in self.unit.rows.clone() {
                let row = Row { place: self, window, weight, bias, t, h };
                // The last block of positions overlaps the one before it, so that all blocks are whole.
                let mut w = 0;
                while w < width {
                    w += match width {
                        // The width of the maps in the last stage of arXiv:2603.13227.
                        14 if V::REGISTERS >= 32 => row.positions::<14>(w, y),
                        8.. => row.positions::<8>(w.min(width - 8), y),
                        4.. => row.positions::<4>(w.min(width - 4), y),
                        _ => row.positions::<1>(w, y),
                    };
                }
            }
        }
    }

    /// Adds to `sums`, `[tap][lane]`, the correlation of the unit's rows of `dy` with `x`, both copied.
    #[inline(always)]
    pub(super) fn correlate<V: Vector<T>, T: Float>(&self, x: &[T], dy: &[T], sums: &mut [T]) {
        let shape = self.shape;
        let ([frames, _, width], [kt, kh, kw]) = (shape.size, shape.kernel);
        for (tap, sums) in sums.chunks_exact_mut(kw * V::LANES).enumerate() {
            let (dt, dh) = (tap / kh, tap % kh);
            let mut dw = 0;
            while dw < kw {
                let rows = (0..frames).filter(|&t| shape.valid_taps(0, t).contains(&dt)).flat_map(|t| {
                    let valid = self.unit.rows.clone().filter(|&h| shape.valid_taps(1, h).contains(&dh));
                    valid.map(move |h| (t, h))
                });
                let rows = rows.map(|(t, h)| {
                    let dy = &dy[self.row_of_window::<V, T>(t, h)][kw / 2 * V::LANES..][..width * V::LANES];
                    let x = &x[self.row_of_window::<V, T>(t + dt - kt / 2, h + dh - kh / 2)][dw * V::LANES..];
                    (dy, x)
                });
                dw += match kw - dw {
                    7.. => correlate_rows::<V, T, 7>(rows, &mut sums[dw * V::LANES..]),
                    3.. => correlate_rows::<V, T, 3>(rows, &mut sums[dw * V::LANES..]),
                    _ => correlate_rows::<V, T, 1>(rows, &mut sums[dw * V::LANES..]),
                };
            }
        }
    }
}

/// The convolution of a unit's copied window with one block of packed weight, written to the unit's part of `y`.
pub(super) struct Convolve<'a, T> {
    pub(super) place: &'a Place<'a>,
    pub(super) window: &'a [T],
    pub(super) weight: &'a [T],
    pub(super) bias: Option<&'a [T]>,
    pub(super) y: &'a Target<'a, T>,
}

impl<T: Float> Kernel<T> for Convolve<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        self.place.convolve::<V, T>(self.window, self.weight, self.bias, self.y);
    }
}

/// One row of output.
struct Row<'a, T, V> {
    place: &'a Place<'a>,
    window: &'a [T],
    weight: &'a [T],
    bias: V,
    t: usize,
    h: usize,
}

impl<T, V: Copy> Row<'_, T, V> {
    /// Computes and writes positions `w..w + N`; returns `N`.
    #[inline(always)]
    fn positions<const N: usize>(&self, w: usize, y: &Target<'_, T>) -> usize
    where
        T: Float,
        V: Vector<T>,
    {
        let shape = self.place.shape;
        let [kt, kh, kw] = shape.kernel;
        let mut sums = [self.bias; N];
        for dt in shape.valid_taps(0, self.t) {
            for dh in shape.valid_taps(1, self.h) {
                let row = self.place.row_of_window::<V, T>(self.t + dt - kt / 2, self.h + dh - kh / 2);
                let x = &self.window[row][w * V::LANES..][..(N + kw - 1) * V::LANES];
                let weight = &self.weight[(dt * kh + dh) * kw * V::LANES..][..kw * V::LANES];
                let mut dw = 0;
                // SAFETY: `taps` reads N + TAPS - 1 registers of x and TAPS of weight from `dw` on, and dw + TAPS <=
                // kw.
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
        let first = self.place.row_of_field(self.t, self.h);
        for (i, sum) in sums.into_iter().enumerate() {
            let at = first + (w + i) * shape.channels;
            // SAFETY: no other unit has these channels of these rows.
            unsafe { y.write(at..at + self.place.used, sum) };
        }
        N
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
    // SAFETY: the caller promises the registers from `first` on that are read here.
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

/// Adds to register `k` of `sums`, for `k < TAPS`, the product of each row of gradients with its row of inputs shifted
/// by `k` positions; returns `TAPS`. The sums stay in registers over all rows.
#[inline(always)]
fn correlate_rows<'a, V: Vector<T>, T: Float, const TAPS: usize>(
    rows: impl Iterator<Item = (&'a [T], &'a [T])>,
    sums: &mut [T],
) -> usize {
    // Positions per iteration, so that they share loads of x.
    const UNROLL: usize = 4;
    let mut registers = [V::splat(T::zero()); TAPS];
    for (dy, x) in rows {
        let width = dy.len() / V::LANES;
        assert!(x.len() >= (width + TAPS - 1) * V::LANES);
        let (dy, x) = (dy.as_ptr(), x.as_ptr());
        let mut add = |w: usize| {
            // SAFETY: w < width, and x has TAPS - 1 registers more than dy.
            unsafe {
                let dy = V::load(dy.add(w * V::LANES));
                for (k, sum) in registers.iter_mut().enumerate() {
                    *sum = V::load(x.add((w + k) * V::LANES)).mul_add(dy, *sum);
                }
            }
        };
        let mut w = 0;
        while w + UNROLL <= width {
            for i in 0..UNROLL {
                add(w + i);
            }
            w += UNROLL;
        }
        for w in w..width {
            add(w);
        }
    }
    for (register, sum) in registers.into_iter().zip(sums.chunks_exact_mut(V::LANES)) {
        store_some(load_some::<T, V>(sum).add(register), sum);
    }
    TAPS
}
