//! The convolution by its definition, for any kernel.
//!
//! A task takes as many channels as one register holds, of some rows of one sample and all its frames. It first copies them
//! together, with zeros around every row, so that the loops meet neither a ragged channel count nor the ends of rows, and
//! find everything in the cache. One block of output positions then stays in registers over all taps of the kernel. The
//! gradient of the input is the same computation with the kernel turned round.

use std::ops::Range;

use rayon::prelude::*;

use super::{Geometry, target::Target, valid_taps};
use crate::float::Float;
use crate::memory::zeros;
use crate::reduce::add_in_order;
use crate::simd::{Isa, Kernel, Vector, load_some, store_some};

/// What one task works on.
struct Unit {
    /// Which register of channels.
    block: usize,
    sample: usize,
    rows: Range<usize>,
}

/// All units, those of one register of channels after the other. How many there are depends on shapes alone.
fn units(g: &Geometry, lanes: usize) -> Vec<Unit> {
    // Enough for many threads, if that takes no more than halving the rows a few times: rows meet their neighbours' taps.
    const TASKS: usize = 32;
    const FEWEST_ROWS: usize = 8;
    let (blocks, height) = (g.channels.div_ceil(lanes), g.size[1]);
    let parts = TASKS.div_ceil(blocks * g.batch).min(height.div_ceil(FEWEST_ROWS));
    let rows = height.div_ceil(parts);
    let of_sample = |block, sample| {
        (0..height).step_by(rows).map(move |first| Unit { block, sample, rows: first..height.min(first + rows) })
    };
    (0..blocks).flat_map(|block| (0..g.batch).flat_map(move |sample| of_sample(block, sample))).collect()
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

/// Where things are in a unit.
struct Place<'a> {
    g: &'a Geometry,
    unit: &'a Unit,
    /// The unit's rows and those that their taps reach.
    window: Range<usize>,
    first_channel: usize,
    /// Channels of the register that exist.
    used: usize,
}

impl<'a> Place<'a> {
    #[inline(always)]
    fn new(g: &'a Geometry, unit: &'a Unit, lanes: usize) -> Self {
        let half = g.kernel[1] / 2;
        let window = unit.rows.start.saturating_sub(half)..g.size[1].min(unit.rows.end + half);
        let first_channel = unit.block * lanes;
        Self { g, unit, window, first_channel, used: lanes.min(g.channels - first_channel) }
    }

    /// The first channel at the start of a row of a field.
    #[inline(always)]
    fn row_of_field(&self, t: usize, h: usize) -> usize {
        let [frames, height, width] = self.g.size;
        ((self.unit.sample * frames + t) * height + h) * width * self.g.channels + self.first_channel
    }

    /// A row of the copied window, with its zeros.
    #[inline(always)]
    fn row_of_window<V: Vector<T>, T: Float>(&self, t: usize, h: usize) -> Range<usize> {
        let len = self.g.padded_width() * V::LANES;
        let row = t * self.window.len() + h - self.window.start;
        row * len..(row + 1) * len
    }

    /// Copies the window of `x` into `to`, `[t][row][zeros, w, zeros][lane]`. What is zeros in it once is so for all units.
    #[inline(always)]
    fn copy_window<V: Vector<T>, T: Float>(&self, x: &[T], to: &mut Vec<T>) {
        let g = self.g;
        let [frames, _, width] = g.size;
        let len = frames * self.window.len() * g.padded_width() * V::LANES;
        if to.len() < len {
            to.resize(len, T::zero());
        }
        let before = g.kernel[2] / 2 * V::LANES;
        for t in 0..frames {
            for h in self.window.clone() {
                let row = &mut to[self.row_of_window::<V, T>(t, h)][before..][..width * V::LANES];
                let first = self.row_of_field(t, h);
                for (w, to) in row.chunks_exact_mut(V::LANES).enumerate() {
                    // A whole register is one load and one store; of a part of one the rest is zeros.
                    store_some(load_some::<T, V>(&x[first + w * g.channels..][..self.used]), to);
                }
            }
        }
    }

    /// The convolution of the copied window with one block of packed weight, written to the unit's part of `y`.
    #[inline(always)]
    fn convolve<V: Vector<T>, T: Float>(&self, window: &[T], weight: &[T], bias: Option<&[T]>, y: &Target<'_, T>) {
        let [frames, _, width] = self.g.size;
        let bias: V = match bias {
            Some(bias) => load_some(&bias[self.first_channel..][..self.used]),
            None => V::splat(T::zero()),
        };
        for t in 0..frames {
            for h in self.unit.rows.clone() {
                let row = Row { place: self, window, weight, bias, t, h };
                // The last block of positions overlaps the one before it rather than end early.
                let mut w = 0;
                while w < width {
                    w += match width {
                        // As wide as the maps of the paper's last stage.
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
    fn correlate<V: Vector<T>, T: Float>(&self, x: &[T], dy: &[T], sums: &mut [T]) {
        let g = self.g;
        let ([frames, _, width], [kt, kh, kw]) = (g.size, g.kernel);
        for (tap, sums) in sums.chunks_exact_mut(kw * V::LANES).enumerate() {
            let (dt, dh) = (tap / kh, tap % kh);
            let mut dw = 0;
            while dw < kw {
                let rows = (0..frames).filter(|&t| valid_taps(g, 0, t).contains(&dt)).flat_map(|t| {
                    let valid = self.unit.rows.clone().filter(|&h| valid_taps(g, 1, h).contains(&dh));
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
        let g = self.place.g;
        let [kt, kh, kw] = g.kernel;
        let mut sums = [self.bias; N];
        for dt in valid_taps(g, 0, self.t) {
            for dh in valid_taps(g, 1, self.h) {
                let row = self.place.row_of_window::<V, T>(self.t + dt - kt / 2, self.h + dh - kh / 2);
                let x = &self.window[row][w * V::LANES..][..(N + kw - 1) * V::LANES];
                let weight = &self.weight[(dt * kh + dh) * kw * V::LANES..][..kw * V::LANES];
                let mut dw = 0;
                // SAFETY: `taps` reads N + TAPS - 1 registers of x and TAPS of weight from `dw` on, and dw + TAPS <= kw.
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
            let at = first + (w + i) * g.channels;
            // SAFETY: the unit's channels and rows are no other unit's.
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

/// Adds to the first `TAPS` registers of `sums`, number `k`, the product of each row of gradients with the row of inputs
/// beside it shifted by `k` positions; returns `TAPS`. The sums stay in registers over all rows.
#[inline(always)]
fn correlate_rows<'a, V: Vector<T>, T: Float, const TAPS: usize>(
    rows: impl Iterator<Item = (&'a [T], &'a [T])>,
    sums: &mut [T],
) -> usize {
    // Enough positions at once for the loads of x to be shared between them.
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

struct Forward<'a, T> {
    g: &'a Geometry,
    unit: &'a Unit,
    x: &'a [T],
    weight: &'a [T],
    bias: &'a [T],
    window: &'a mut Vec<T>,
    y: &'a Target<'a, T>,
}

impl<T: Float> Kernel<T> for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let place = Place::new(self.g, self.unit, V::LANES);
        place.copy_window::<V, T>(self.x, self.window);
        let len = self.g.taps() * V::LANES;
        place.convolve::<V, T>(self.window, &self.weight[self.unit.block * len..][..len], Some(self.bias), self.y);
    }
}

struct Backward<'a, T> {
    g: &'a Geometry,
    unit: &'a Unit,
    x: &'a [T],
    dy: &'a [T],
    /// The weight turned round.
    turned: &'a [T],
    /// Windows of x and dy.
    windows: &'a mut [Vec<T>; 2],
    dx: Option<&'a Target<'a, T>>,
    /// What the unit adds to the gradient of the weight, `[tap][lane]`; zeros before.
    sums: &'a mut [T],
}

impl<T: Float> Kernel<T> for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let place = Place::new(self.g, self.unit, V::LANES);
        let [x, dy] = self.windows;
        place.copy_window::<V, T>(self.x, x);
        place.copy_window::<V, T>(self.dy, dy);
        if let Some(dx) = self.dx {
            let len = self.g.taps() * V::LANES;
            place.convolve::<V, T>(dy, &self.turned[self.unit.block * len..][..len], None, dx);
        }
        place.correlate::<V, T>(x, dy, self.sums);
    }
}

pub(super) fn forward<T: Float>(isa: Isa, g: &Geometry, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
    let lanes = isa.lanes::<T>();
    let weight = pack_weight(weight, g, lanes, false);
    // SAFETY: the units are all channels of all rows, and each writes its own whole.
    unsafe {
        Target::written(x.len(), |y| {
            units(g, lanes).par_iter().for_each_init(Vec::new, |window, unit| {
                isa.run(Forward { g, unit, x, weight: &weight, bias, window, y });
            });
        })
    }
}

/// Gradients of input (if wanted) and weight. The sum over units is the last, in order, whichever thread did which.
pub(super) fn backward<T: Float>(
    isa: Isa,
    g: &Geometry,
    x: &[T],
    weight: &[T],
    dy: &[T],
    want_dx: bool,
) -> (Option<Vec<T>>, Vec<T>) {
    let lanes = isa.lanes::<T>();
    let turned = pack_weight(weight, g, lanes, true);
    let units = units(g, lanes);
    let width = g.taps() * lanes;
    let mut partials = zeros(units.len() * width);
    let mut run = |dx: Option<&Target<'_, T>>| {
        partials.par_chunks_mut(width).zip(&units).for_each_init(
            || [Vec::new(), Vec::new()],
            |windows, (sums, unit)| isa.run(Backward { g, unit, x, dy, turned: &turned, windows, dx, sums }),
        )
    };
    let dx = match want_dx {
        // SAFETY: as in `forward`.
        true => Some(unsafe { Target::written(x.len(), |dx| run(Some(dx))) }),
        false => {
            run(None);
            None
        }
    };
    let per_block = units.len() / g.channels.div_ceil(lanes);
    let sums: Vec<Vec<T>> =
        partials.chunks_exact(per_block * width).map(|partials| add_in_order(partials, width)).collect();
    let mut dweight = vec![T::zero(); g.channels * g.taps()];
    for (c, kernel) in dweight.chunks_exact_mut(g.taps()).enumerate() {
        for (tap, value) in kernel.iter_mut().enumerate() {
            *value = sums[c / lanes][tap * lanes + c % lanes];
        }
    }
    (dx, dweight)
}
