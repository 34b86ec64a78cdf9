//! Sums over rows that come out the same for any number of threads.

use rayon::prelude::*;

use crate::float::Float;

/// Rows whose sum is formed one after the other. The sums of such blocks are then added in order,
/// so that neither the number of threads nor their timing shows in the result.
pub(crate) const ROWS_PER_BLOCK: usize = 1024;

/// Adds up the rows of `partials`, each `width` long.
pub(crate) fn add_in_order<T: Float>(partials: &[T], width: usize) -> Vec<T> {
    const COLUMNS: usize = 4096;
    let mut total = vec![T::zero(); width];
    if width <= COLUMNS {
        column_sums_into(&mut total, partials);
        return total;
    }
    total.par_chunks_mut(COLUMNS).enumerate().for_each(|(i, total)| {
        for row in partials.chunks_exact(width) {
            for (total, value) in total.iter_mut().zip(&row[i * COLUMNS..]) {
                *total += *value;
            }
        }
    });
    total
}

/// Adds the rows of `matrix`, each as long as `total`, to `total`.
pub(crate) fn column_sums_into<T: Float>(total: &mut [T], matrix: &[T]) {
    for row in matrix.chunks_exact(total.len()) {
        for (total, value) in total.iter_mut().zip(row) {
            *total += *value;
        }
    }
}

/// The sum of the rows of a matrix of `width` columns.
pub(crate) fn column_sums<T: Float>(matrix: &[T], width: usize) -> Vec<T> {
    let partials: Vec<T> =
        matrix.par_chunks(ROWS_PER_BLOCK * width).flat_map_iter(|rows| add_in_order(rows, width)).collect();
    add_in_order(&partials, width)
}
