//! Transposition of two axes.

use rayon::prelude::*;

use super::scalar::Scalar;
use super::zeros::zeros;

/// Tokens along N per task.
const BLOCK: usize = 1024;

/// `(A, M, N, D)` to `(A, N, M, D)`; `sizes` are M, N and D.
pub(crate) fn forward<T: Scalar>(x: &[T], [m, n, d]: [usize; 3]) -> Vec<T> {
    let mut y = zeros(x.len());
    y.par_chunks_mut(m * n * d).zip(x.par_chunks(m * n * d)).for_each(|(y, x)| {
        y.par_chunks_mut(BLOCK * m * d).enumerate().for_each(|(block, y)| {
            let count = y.len() / m;
            for (row, x) in x.chunks_exact(n * d).enumerate() {
                let x = &x[block * BLOCK * d..][..count];
                if d == 1 {
                    for (y, x) in y[row..].iter_mut().step_by(m).zip(x) {
                        *y = *x;
                    }
                } else {
                    for (y, x) in y.chunks_exact_mut(d).skip(row).step_by(m).zip(x.chunks_exact(d)) {
                        y.copy_from_slice(x);
                    }
                }
            }
        });
    });
    y
}
