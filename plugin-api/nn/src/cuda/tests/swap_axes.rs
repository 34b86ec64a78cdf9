//! Transposition of two axes.

use super::support::{OP, assert_emulated, normal};
use crate::cuda::plans::swap_axes;

/// Two axes of `dims (A, M, N, D)` swapped.
fn swapped_agree(dims: [usize; 4], half: bool) {
    let x = normal(&dims, half, 1);
    let y = x.transpose(1, 2).unwrap();
    assert_emulated(swap_axes::swap_axes(OP, dims), half, &[&x], &[&y], &format!("{dims:?} swapped"));
}

#[test]
fn agrees_where_tiles_end() {
    for half in [false, true] {
        // Narrow matrices, and partial tiles; then tokens of many elements.
        for dims in [
            [1, 1, 1, 1],
            [2, 4, 3000, 1],
            [2, 3000, 11, 1],
            [3, 70, 131, 1],
            [1, 63, 64, 1],
            [2, 3, 5, 40],
            [1, 3, 2, 4096],
        ] {
            swapped_agree(dims, half);
        }
    }
}
