//! The convolution by its definition, for any kernel.
//!
//! A task works on one register of channels, of some rows of one sample over all frames. It first copies its input,
//! with zeros around every row, so that the loops see whole registers and no row ends, and read from the cache. A block
//! of output positions then stays in registers over all taps of the kernel. The gradient of the input is the same
//! computation with the flipped kernel.

mod unit;

use rayon::prelude::*;

use super::target::Target;
use crate::cpu::reduce::add_in_order;
use crate::cpu::simd::{Float, Isa, Kernel, Vector};
use crate::cpu::zeros::zeros;
use crate::shape::DepthwiseShape;

use unit::{Convolve, Place, Unit};

/// All units, ordered by register of channels. Their number depends on the shapes alone.
fn units(shape: &DepthwiseShape, lanes: usize) -> Vec<Unit> {
    // Enough for many threads, without cutting the rows too finely: the rows at a cut are copied twice.
    const TASKS: usize = 32;
    const FEWEST_ROWS: usize = 8;
    let (blocks, height) = (shape.channels.div_ceil(lanes), shape.size[1]);
    let parts = TASKS.div_ceil(blocks * shape.batch).min(height.div_ceil(FEWEST_ROWS));
    let rows = height.div_ceil(parts);
    let of_sample = |block, sample| {
        (0..height).step_by(rows).map(move |first| Unit { block, sample, rows: first..height.min(first + rows) })
    };
    (0..blocks).flat_map(|block| (0..shape.batch).flat_map(move |sample| of_sample(block, sample))).collect()
}

/// `weight` as `[channel block][tap][lane]`, with the taps in reverse order if `flipped`.
fn pack_weight<T: Float>(weight: &[T], shape: &DepthwiseShape, lanes: usize, flipped: bool) -> Vec<T> {
    let taps = shape.taps();
    let mut packed = zeros(shape.channels.div_ceil(lanes) * taps * lanes);
    for (c, kernel) in weight.chunks_exact(taps).enumerate() {
        for (tap, &value) in kernel.iter().enumerate() {
            let tap = if flipped { taps - 1 - tap } else { tap };
            packed[((c / lanes) * taps + tap) * lanes + c % lanes] = value;
        }
    }
    packed
}

struct Forward<'a, T> {
    shape: &'a DepthwiseShape,
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
        let place = Place::new(self.shape, self.unit, V::LANES);
        place.copy_window::<V, T>(self.x, self.window);
        let len = self.shape.taps() * V::LANES;
        let weight = &self.weight[self.unit.block * len..][..len];
        V::call(Convolve { place: &place, window: self.window, weight, bias: Some(self.bias), y: self.y });
    }
}

struct Backward<'a, T> {
    shape: &'a DepthwiseShape,
    unit: &'a Unit,
    x: &'a [T],
    dy: &'a [T],
    /// The weight, flipped along all axes of the kernel.
    flipped: &'a [T],
    /// Windows of x and dy.
    windows: &'a mut [Vec<T>; 2],
    dx: Option<&'a Target<'a, T>>,
    /// The contribution of the unit to the gradient of the weight, `[tap][lane]`; zeros before.
    sums: &'a mut [T],
}

impl<T: Float> Kernel<T> for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let place = Place::new(self.shape, self.unit, V::LANES);
        let [x, dy] = self.windows;
        place.copy_window::<V, T>(self.x, x);
        place.copy_window::<V, T>(self.dy, dy);
        if let Some(dx) = self.dx {
            let len = self.shape.taps() * V::LANES;
            let weight = &self.flipped[self.unit.block * len..][..len];
            V::call(Convolve { place: &place, window: dy, weight, bias: None, y: dx });
        }
        place.correlate::<V, T>(x, dy, self.sums);
    }
}

pub(super) fn forward<T: Float>(isa: Isa, shape: &DepthwiseShape, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
    let lanes = isa.lanes::<T>();
    let weight = pack_weight(weight, shape, lanes, false);
    // SAFETY: the units cover all channels of all rows, and each writes all of its own.
    unsafe {
        Target::written(x.len(), |y| {
            units(shape, lanes).par_iter().for_each_init(Vec::new, |window, unit| {
                isa.run(Forward { shape, unit, x, weight: &weight, bias, window, y });
            });
        })
    }
}

/// The gradients of x (if wanted) and weight. The units' sums are added in order, whichever threads computed them.
pub(super) fn backward<T: Float>(
    isa: Isa,
    shape: &DepthwiseShape,
    x: &[T],
    weight: &[T],
    dy: &[T],
    want_dx: bool,
) -> (Option<Vec<T>>, Vec<T>) {
    let lanes = isa.lanes::<T>();
    let flipped = pack_weight(weight, shape, lanes, true);
    let units = units(shape, lanes);
    let width = shape.taps() * lanes;
    let mut partials = zeros(units.len() * width);
    let mut run = |dx: Option<&Target<'_, T>>| {
        partials.par_chunks_mut(width).zip(&units).for_each_init(
            || [Vec::new(), Vec::new()],
            |windows, (sums, unit)| isa.run(Backward { shape, unit, x, dy, flipped: &flipped, windows, dx, sums }),
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
    let per_block = units.len() / shape.channels.div_ceil(lanes);
    let sums: Vec<Vec<T>> =
        partials.chunks_exact(per_block * width).map(|partials| add_in_order(partials, width)).collect();
    let mut dweight = vec![T::zero(); shape.channels * shape.taps()];
    for (c, kernel) in dweight.chunks_exact_mut(shape.taps()).enumerate() {
        for (tap, value) in kernel.iter_mut().enumerate() {
            *value = sums[c / lanes][tap * lanes + c % lanes];
        }
    }
    (dx, dweight)
}
