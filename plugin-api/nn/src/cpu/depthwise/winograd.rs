//! Winograd's algorithm: a row of seven taps with ten products for four outputs.
//!
//! A tile of four columns, over all frames and some rows of one sample, is evaluated at ten points ([`transform`]).
//! Each point is then convolved by itself along time and height, and the results are transformed back. A tile is
//! evaluated once for all taps in time and height, so the transforms cost little. The gradient of the input is the same
//! computation with the flipped kernel, and the gradient of the weight uses the same evaluated tiles.

mod products;
mod tile;
mod transform;
mod unit;

use rayon::prelude::*;

use super::target::Target;
use crate::cpu::reduce::add_in_order;
use crate::cpu::simd::{Float, Isa};
use crate::cpu::zeros::zeros;
use crate::shape::DepthwiseShape;

use tile::{Backward, Forward, Scratch};
use transform::{POINTS, TAPS, TILE};
use unit::Unit;

/// Whether this algorithm supports such convolutions and is faster: with few rows, or few taps per evaluated tile, the
/// transforms cost more than they save.
pub(super) fn applies(shape: &DepthwiseShape) -> bool {
    shape.kernel[0] > 1 && shape.kernel[1..] == [TAPS, TAPS] && shape.size[1] >= 16 && shape.size[2] >= TILE
}

/// All units of one register of channels, in the order of memory.
fn units(shape: &DepthwiseShape, block: usize) -> Vec<Unit> {
    // More rows than this would not fit the cache.
    const ROWS: usize = 32;
    let [_, height, width] = shape.size;
    let rows = height.div_ceil(height.div_ceil(ROWS));
    let mut units = Vec::new();
    for sample in 0..shape.batch {
        for first_row in (0..height).step_by(rows) {
            for first_column in (0..width).step_by(TILE) {
                let rows = rows.min(height - first_row);
                units.push(Unit { block, sample, first_row, rows, first_column });
            }
        }
    }
    units
}

/// `G` applied to the rows of `weight`, `[channel block][point][kt, kh][lane]`; the weight is flipped first if
/// `flipped`.
fn evaluate_weight<T: Float>(weight: &[T], shape: &DepthwiseShape, lanes: usize, flipped: bool) -> Vec<T> {
    let matrix = transform::taps();
    let (taps, rows) = (shape.taps(), shape.taps() / TAPS);
    let block = POINTS * rows * lanes;
    let mut evaluated = vec![T::zero(); shape.channels.div_ceil(lanes) * block];
    evaluated.par_chunks_exact_mut(block).zip(weight.par_chunks(lanes * taps)).for_each(|(evaluated, weight)| {
        for (lane, kernel) in weight.chunks_exact(taps).enumerate() {
            for (point, coefficients) in matrix.iter().enumerate() {
                for row in 0..rows {
                    let tap = |k: usize| {
                        let at = row * TAPS + k;
                        kernel[if flipped { taps - 1 - at } else { at }].to_f64()
                    };
                    let value: f64 = coefficients.iter().enumerate().map(|(k, g)| g * tap(k)).sum();
                    evaluated[(point * rows + row) * lanes + lane] = T::from_f64(value);
                }
            }
        }
    });
    evaluated
}

/// The gradient of the weight from sums of `[channel block][point][kt, kh][lane]`, which belong to the flipped
/// weight.
fn gradient_of_weight<T: Float>(sums: &[T], shape: &DepthwiseShape, lanes: usize) -> Vec<T> {
    let matrix = transform::taps();
    let (taps, rows) = (shape.taps(), shape.taps() / TAPS);
    let mut gradient = vec![T::zero(); shape.channels * taps];
    gradient.par_chunks_exact_mut(taps).enumerate().for_each(|(c, kernel)| {
        for (at, value) in kernel.iter_mut().rev().enumerate() {
            let (row, k) = (at / TAPS, at % TAPS);
            let sum = |point: usize| sums[((c / lanes * POINTS + point) * rows + row) * lanes + c % lanes].to_f64();
            *value = T::from_f64((0..POINTS).map(|point| matrix[point][k] * sum(point)).sum());
        }
    });
    gradient
}

pub(super) fn forward<T: Float>(isa: Isa, shape: &DepthwiseShape, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
    let lanes = isa.lanes::<T>();
    let weight = evaluate_weight(weight, shape, lanes, false);
    let units: Vec<Unit> = (0..shape.channels.div_ceil(lanes)).flat_map(|block| units(shape, block)).collect();
    // SAFETY: the units cover all channels of all rows and columns, and each writes all of its own.
    unsafe {
        Target::written(x.len(), |y| {
            units.par_iter().for_each_init(Scratch::new, |scratch, &unit| {
                isa.run(Forward { shape, x, weight: &weight, bias, unit, scratch, y });
            });
        })
    }
}

/// The gradients of x (if wanted) and weight.
pub(super) fn backward<T: Float>(
    isa: Isa,
    shape: &DepthwiseShape,
    x: &[T],
    weight: &[T],
    dy: &[T],
    want_dx: bool,
) -> (Option<Vec<T>>, Vec<T>) {
    // Each task has its own sums, which are added in order. The number of tasks depends on the shapes alone.
    const TASKS: usize = 64;
    let lanes = isa.lanes::<T>();
    let blocks = shape.channels.div_ceil(lanes);
    let flipped = evaluate_weight(weight, shape, lanes, true);
    let per_block = units(shape, 0).len();
    let tasks = TASKS.div_ceil(blocks).max(4).min(per_block);
    let per_task = per_block.div_ceil(tasks);
    let tasks = per_block.div_ceil(per_task);

    let width = flipped.len() / blocks;
    let units: Vec<Vec<Unit>> = (0..blocks).map(|block| units(shape, block)).collect();
    let mut partials = zeros(blocks * tasks * width);
    let mut run = |dx: Option<&Target<'_, T>>| {
        partials.par_chunks_mut(width).enumerate().for_each_init(Scratch::new, |scratch, (task, sums)| {
            let units = units[task / tasks].chunks(per_task).nth(task % tasks).unwrap_or_default();
            for &unit in units {
                isa.run(Backward { shape, x, dy, flipped: &flipped, unit, scratch, dx, sums });
            }
        })
    };
    let dx = match want_dx {
        // SAFETY: as in `forward`.
        true => Some(unsafe { Target::written(x.len(), |dx| run(Some(dx))) }),
        false => {
            run(None);
            None
        }
    };
    let sums: Vec<T> =
        partials.par_chunks_exact(tasks * width).flat_map_iter(|partials| add_in_order(partials, width)).collect();
    let dweight = gradient_of_weight(&sums, shape, lanes);
    (dx, dweight)
}
