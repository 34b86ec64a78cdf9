//! Sums over rows that are the same for any number of threads.

use rayon::prelude::*;

use super::scalar::Scalar;
use super::simd::{Float, Vector, load, store};

/// Rows that are summed sequentially. The sums of such blocks are then added in order, so that the result depends
/// neither on the number of threads nor on their timing.
pub(crate) const ROWS_PER_BLOCK: usize = 1024;

/// The sum of the rows of `partials`, each `width` long.
pub(crate) fn add_in_order<T: Scalar>(partials: &[T], width: usize) -> Vec<T> {
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
fn add_row<T: Scalar>(total: &mut [T], row: &[T]) {
    for (total, value) in total.iter_mut().zip(row) {
        *total += *value;
    }
}

/// Adds the rows of `matrix`, each as long as `total`, to `total`. For kernels: the sums stay in registers over all
/// rows.
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
pub(crate) fn column_sums<T: Scalar>(matrix: &[T], width: usize) -> Vec<T> {
    let partials: Vec<T> =
        matrix.par_chunks(ROWS_PER_BLOCK * width).flat_map_iter(|rows| add_in_order(rows, width)).collect();
    add_in_order(&partials, width)
}

/// The sum of `term(i)` over the indices of a row. Sixteen partial sums are kept, so that the compiler may use vector
/// registers of any length without changing the result.
#[inline(always)]
pub(crate) fn row_sum<T: Scalar>(len: usize, term: impl Fn(usize) -> T) -> T {
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

/// The largest element of a row, ignoring NaN.
#[inline(always)]
pub(crate) fn row_max<T: Scalar>(row: &[T]) -> T {
    let mut largest = [T::from_f64(f64::NEG_INFINITY); 16];
    let (whole, rest) = row.split_at(row.len() / 16 * 16);
    for elements in whole.chunks_exact(16) {
        for (largest, &element) in largest.iter_mut().zip(elements) {
            *largest = if element > *largest { element } else { *largest };
        }
    }
    let all = largest.iter().chain(rest);
    all.fold(T::from_f64(f64::NEG_INFINITY), |largest, &element| if element > largest { element } else { largest })
}
