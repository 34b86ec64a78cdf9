//! Sums over rows that come out the same for any number of threads.

use rayon::prelude::*;

use crate::float::Float;
use crate::simd::{Vector, load, store};

/// Rows whose sum is formed one after the other. The sums of such blocks are then added in order,
/// so that neither the number of threads nor their timing shows in the result.
pub(crate) const ROWS_PER_BLOCK: usize = 1024;

/// Adds up the rows of `partials`, each `width` long.
pub(crate) fn add_in_order<T: Float>(partials: &[T], width: usize) -> Vec<T> {
    const COLUMNS: usize = 4096;
    let mut total = vec![T::zero(); width];
    if width <= COLUMNS {
        for row in partials.chunks_exact(width) {
            add_row(&mut total, row);
        }
        return total;
    }
    total.par_chunks_mut(COLUMNS).enumerate().for_each(|(i, total)| {
        for row in partials.chunks_exact(width) {
            add_row(total, &row[i * COLUMNS..]);
        }
    });
    total
}

#[inline(always)]
fn add_row<T: Float>(total: &mut [T], row: &[T]) {
    for (total, value) in total.iter_mut().zip(row) {
        *total += *value;
    }
}

/// Adds the rows of `matrix`, each as long as `total`, to `total`. For kernels: sums stay in registers from row to row.
#[inline(always)]
pub(crate) fn add_rows<T: Float, V: Vector<T>>(total: &mut [T], matrix: &[T]) {
    let width = total.len();
    let mut first = 0;
    while width - first >= 4 * V::LANES {
        add_columns::<T, V, 4>(total, matrix, first);
        first += 4 * V::LANES;
    }
    while width - first >= V::LANES {
        add_columns::<T, V, 1>(total, matrix, first);
        first += V::LANES;
    }
    for row in matrix.chunks_exact(width) {
        add_row(&mut total[first..], &row[first..]);
    }
}

/// The sums of `N` registers of columns from `first` on.
#[inline(always)]
fn add_columns<T: Float, V: Vector<T>, const N: usize>(total: &mut [T], matrix: &[T], first: usize) {
    let mut sums: [V; N] = std::array::from_fn(|n| load(&total[first + n * V::LANES..]));
    for row in matrix.chunks_exact(total.len()) {
        let row = &row[first..][..N * V::LANES];
        for (n, sum) in sums.iter_mut().enumerate() {
            *sum = sum.add(load(&row[n * V::LANES..]));
        }
    }
    for (n, sum) in sums.into_iter().enumerate() {
        store(sum, &mut total[first + n * V::LANES..]);
    }
}

/// The sum of the rows of a matrix of `width` columns.
pub(crate) fn column_sums<T: Float>(matrix: &[T], width: usize) -> Vec<T> {
    let partials: Vec<T> =
        matrix.par_chunks(ROWS_PER_BLOCK * width).flat_map_iter(|rows| add_in_order(rows, width)).collect();
    add_in_order(&partials, width)
}

/// Adds `term(i)` for all indices of a row. Sixteen sums run side by side, so that the compiler
/// may use vector registers of any length without changing the result.
#[inline(always)]
pub(crate) fn row_sum<T: Float>(len: usize, term: impl Fn(usize) -> T) -> T {
    let mut sums = [T::zero(); 16];
    let whole = len / 16 * 16;
    let mut first = 0;
    while first < whole {
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum += term(first + lane);
        }
        first += 16;
    }
    for i in whole..len {
        sums[i - whole] += term(i);
    }
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            let other = sums[i + half];
            sums[i] += other;
        }
    }
    sums[0]
}

/// The largest number of a row; not a number is left out.
#[inline(always)]
pub(crate) fn row_max<T: Float>(row: &[T]) -> T {
    let mut largest = [T::from_f64(f64::NEG_INFINITY); 16];
    let (whole, rest) = row.split_at(row.len() / 16 * 16);
    for numbers in whole.chunks_exact(16) {
        for (largest, &number) in largest.iter_mut().zip(numbers) {
            *largest = if number > *largest { number } else { *largest };
        }
    }
    let all = largest.iter().chain(rest);
    all.fold(T::from_f64(f64::NEG_INFINITY), |largest, &number| if number > largest { number } else { largest })
}
