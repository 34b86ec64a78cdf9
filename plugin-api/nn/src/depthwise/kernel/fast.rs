//! The convolution with a row of seven taps as ten products for four outputs.
//!
//! A tile of four columns, over all frames and some rows of one sample, is evaluated at ten points ([`transform`]).
//! Along time and height, each point is then convolved by itself; the results are transformed back. A tile is evaluated
//! once for all the taps in time and height, so the transforms cost little. The gradient of the input is the same
//! computation with the kernel turned round, and that of the weight uses the same evaluated tiles.

mod tile;
mod transform;

use rayon::prelude::*;

use super::{Geometry, target::Target};
use crate::float::Float;
use crate::memory::zeros;
use crate::reduce::add_in_order;
use crate::simd::Isa;

use tile::{Backward, Forward, Scratch};
use transform::{POINTS, TAPS, TILE};

/// Whether this algorithm does such convolutions, and does them faster: with few rows, or few taps for each evaluated
/// tile, the transforms cost more than they save.
pub(super) fn applies(g: &Geometry) -> bool {
    g.kernel[0] > 1 && g.kernel[1..] == [TAPS, TAPS] && g.size[1] >= 16 && g.size[2] >= TILE
}

/// What one task works on at a time: a register of channels of a tile of columns, over some rows and all frames of a
/// sample.
#[derive(Clone, Copy)]
struct Unit {
    /// Which register of channels.
    block: usize,
    sample: usize,
    first_row: usize,
    rows: usize,
    first_column: usize,
}

/// All units of one register of channels, in the order of memory.
fn units(g: &Geometry, block: usize) -> Vec<Unit> {
    // More rows than this would leave the cache.
    const ROWS: usize = 32;
    let [_, height, width] = g.size;
    let rows = height.div_ceil(height.div_ceil(ROWS));
    let mut units = Vec::new();
    for sample in 0..g.batch {
        for first_row in (0..height).step_by(rows) {
            for first_column in (0..width).step_by(TILE) {
                let rows = rows.min(height - first_row);
                units.push(Unit { block, sample, first_row, rows, first_column });
            }
        }
    }
    units
}

/// `G` applied to the rows of `weight`, `[channel block][point][kt, kh][lane]`; of the weight turned round if `turned`.
fn evaluate_weight<T: Float>(weight: &[T], g: &Geometry, lanes: usize, turned: bool) -> Vec<T> {
    let matrix = transform::taps();
    let (taps, rows) = (g.taps(), g.taps() / TAPS);
    let block = POINTS * rows * lanes;
    let mut evaluated = vec![T::zero(); g.channels.div_ceil(lanes) * block];
    evaluated.par_chunks_exact_mut(block).zip(weight.par_chunks(lanes * taps)).for_each(|(evaluated, weight)| {
        for (lane, kernel) in weight.chunks_exact(taps).enumerate() {
            for (point, coefficients) in matrix.iter().enumerate() {
                for row in 0..rows {
                    let tap = |k: usize| {
                        let at = row * TAPS + k;
                        kernel[if turned { taps - 1 - at } else { at }].to_f64()
                    };
                    let value: f64 = coefficients.iter().enumerate().map(|(k, g)| g * tap(k)).sum();
                    evaluated[(point * rows + row) * lanes + lane] = T::from_f64(value);
                }
            }
        }
    });
    evaluated
}

/// The gradient of the weight from sums of `[channel block][point][kt, kh][lane]`, which belong to the weight turned
/// round.
fn gradient_of_weight<T: Float>(sums: &[T], g: &Geometry, lanes: usize) -> Vec<T> {
    let matrix = transform::taps();
    let (taps, rows) = (g.taps(), g.taps() / TAPS);
    let mut gradient = vec![T::zero(); g.channels * taps];
    gradient.par_chunks_exact_mut(taps).enumerate().for_each(|(c, kernel)| {
        for (at, value) in kernel.iter_mut().rev().enumerate() {
            let (row, k) = (at / TAPS, at % TAPS);
            let sum = |point: usize| sums[((c / lanes * POINTS + point) * rows + row) * lanes + c % lanes].to_f64();
            *value = T::from_f64((0..POINTS).map(|point| matrix[point][k] * sum(point)).sum());
        }
    });
    gradient
}

pub(super) fn forward<T: Float>(isa: Isa, g: &Geometry, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
    let lanes = isa.lanes::<T>();
    let weight = evaluate_weight(weight, g, lanes, false);
    let units: Vec<Unit> = (0..g.channels.div_ceil(lanes)).flat_map(|block| units(g, block)).collect();
    // SAFETY: the units are all channels of all rows and columns, and each writes its own whole.
    unsafe {
        Target::written(x.len(), |y| {
            units.par_iter().for_each_init(Scratch::new, |scratch, &unit| {
                isa.run(Forward { g, x, weight: &weight, bias, unit, scratch, y });
            });
        })
    }
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
    // Each task has sums of its own, which are added in order. How many tasks there are depends on the shapes alone.
    const TASKS: usize = 64;
    let lanes = isa.lanes::<T>();
    let blocks = g.channels.div_ceil(lanes);
    let turned = evaluate_weight(weight, g, lanes, true);
    let per_block = units(g, 0).len();
    let tasks = TASKS.div_ceil(blocks).max(4).min(per_block);
    let per_task = per_block.div_ceil(tasks);
    let tasks = per_block.div_ceil(per_task);

    let width = turned.len() / blocks;
    let units: Vec<Vec<Unit>> = (0..blocks).map(|block| units(g, block)).collect();
    let mut partials = zeros(blocks * tasks * width);
    let mut run = |dx: Option<&Target<'_, T>>| {
        partials.par_chunks_mut(width).enumerate().for_each_init(Scratch::new, |scratch, (task, sums)| {
            let units = units[task / tasks].chunks(per_task).nth(task % tasks).unwrap_or_default();
            for &unit in units {
                isa.run(Backward { g, x, dy, turned: &turned, unit, scratch, dx, sums });
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
    let dweight = gradient_of_weight(&sums, g, lanes);
    (dx, dweight)
}
