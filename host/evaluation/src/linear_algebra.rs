//! Products of row-major matrices with a fixed order of summation.

use faer::{Accum, Mat, MatRef, Par, linalg::matmul::matmul};

/// `values` as a matrix of `n` rows.
pub(crate) fn rows(values: &[f64], n: usize) -> MatRef<'_, f64> {
    MatRef::from_row_major_slice(values, n, values.len() / n)
}

/// `left right`. Explicitly sequential: the order of summation must not depend on the machine's load.
pub(crate) fn product(left: MatRef<'_, f64>, right: MatRef<'_, f64>) -> Mat<f64> {
    let mut result = Mat::zeros(left.nrows(), right.ncols());
    matmul(&mut result, Accum::Replace, left, right, 1.0, Par::Seq);
    result
}
