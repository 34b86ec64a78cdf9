//! The plan of swap.cu: transposed matrices.

use candle_core::{Result, bail};

use super::Argument::{Input, Output, Sizes};
use super::Kind::Element;
use super::{LANES, Plan, attention};

/// Numbers of a tile; `SWAP_AREA` in swap.cu.
const AREA: usize = 4096;
/// Length and width of a tile, unless a matrix is narrower.
const SIDE: usize = 64;

/// `x (A, M, N, D)` to `(A, N, M, D)`.
pub(crate) fn swap(op: &'static str, [count, rows, columns, each]: [usize; 4]) -> Result<Plan> {
    if each > 1 {
        let (shape, piece) = ((count, columns, rows, each), piece(each));
        return attention::reorder(op, [count, rows, columns, each / piece], [0, 2, 1, 3], piece, shape);
    }
    let [tile_rows, tile_columns] = tile(rows, columns);
    let all = [rows, columns, tile_rows, tile_columns, tile_columns | 1];
    let Some(sizes) = all.iter().map(|&size| u32::try_from(size).ok()).collect() else {
        bail!("{op}: expected sizes of 32 bits, got matrices ({rows}, {columns})")
    };
    let tiles = count * rows.div_ceil(tile_rows) * columns.div_ceil(tile_columns);
    Plan::new(op, &[Element], Element, (count, columns, rows, 1)).launch(
        "swap_axes",
        [tiles, 1, 1],
        vec![Input(0), Output(0, 0), Sizes(sizes)],
    )
}

/// Of so many numbers, those that one warp copies: all, unless they can be split into pieces that occupy more warps.
fn piece(each: usize) -> usize {
    let longest = each.min(1024);
    (LANES..=longest).rev().find(|piece| each.is_multiple_of(*piece)).unwrap_or(each)
}

/// A tile spans narrow matrices, so that all that it reads and writes is of one piece.
fn tile(rows: usize, columns: usize) -> [usize; 2] {
    match (rows < SIDE, columns < SIDE) {
        (true, _) => [rows, AREA / rows],
        (_, true) => [AREA / columns, columns],
        _ => [SIDE, SIDE],
    }
}
