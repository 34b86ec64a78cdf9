//! The plan of swap_axes.cu: transposition of matrices.

use candle_core::Result;

use super::attention;
use crate::cuda::plan::Argument::{Input, Output};
use crate::cuda::plan::Kind::Element;
use crate::cuda::plan::{LANES, Plan, sizes};

/// Elements of a tile; `SWAP_AREA` in swap_axes.cu.
const AREA: usize = 4096;
/// Height and width of a tile, unless the matrix is narrower.
const SIDE: usize = 64;

/// `x (A, M, N, D)` to `(A, N, M, D)`.
pub(crate) fn swap_axes(op: &'static str, [count, rows, columns, each]: [usize; 4]) -> Result<Plan> {
    if each > 1 {
        let (shape, piece) = ((count, columns, rows, each), piece(each));
        return attention::reorder(op, [count, rows, columns, each / piece], [0, 2, 1, 3], piece, shape);
    }
    let [tile_rows, tile_columns] = tile(rows, columns);
    let all = [rows, columns, tile_rows, tile_columns, tile_columns | 1];
    let tiles = count * rows.div_ceil(tile_rows) * columns.div_ceil(tile_columns);
    Plan::new(op, &[Element], Element, (count, columns, rows, 1)).launch(
        "swap_axes",
        [tiles, 1, 1],
        vec![Input(0), Output(0, 0), sizes(op, &all)?],
    )
}

/// Elements that one warp copies, of tokens of `each` elements: all, unless they can be split into pieces for more
/// warps.
fn piece(each: usize) -> usize {
    let longest = each.min(1024);
    (LANES..=longest).rev().find(|piece| each.is_multiple_of(*piece)).unwrap_or(each)
}

/// A tile spans the whole width of a narrow matrix, so that it reads and writes contiguous memory.
fn tile(rows: usize, columns: usize) -> [usize; 2] {
    match (rows < SIDE, columns < SIDE) {
        (true, _) => [rows, AREA / rows],
        (_, true) => [AREA / columns, columns],
        _ => [SIDE, SIDE],
    }
}
