//! The sum of rows and a bias.

use rayon::prelude::*;

use super::reduce::ROWS_PER_BLOCK;
use super::scalar::Scalar;

/// `x + bias` for rows `x (.., C)` and `bias (C)`.
pub(crate) fn forward<T: Scalar>(x: &[T], bias: &[T]) -> Vec<T> {
    let mut y = x.to_vec();
    y.par_chunks_mut(ROWS_PER_BLOCK * bias.len()).for_each(|rows| {
        for row in rows.chunks_exact_mut(bias.len()) {
            for (y, b) in row.iter_mut().zip(bias) {
                *y += *b;
            }
        }
    });
    y
}
