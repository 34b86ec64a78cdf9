//! The mean squared error and its gradient.

use rayon::prelude::*;

use super::reduce::row_sum;
use super::scalar::Scalar;
use super::zeros::zeros;

/// Elements that are summed sequentially; the sums of such blocks are added in order.
const BLOCK: usize = 8192;

/// The mean of `(guess - target)^2`.
pub(crate) fn mean<T: Scalar>(guess: &[T], target: &[T]) -> T {
    let square = |(a, b): (&[T], &[T])| row_sum(a.len(), |i| (a[i] - b[i]) * (a[i] - b[i])).to_f64();
    let sums: Vec<f64> = guess.par_chunks(BLOCK).zip(target.par_chunks(BLOCK)).map(square).collect();
    T::from_f64(sums.iter().sum::<f64>() / guess.len() as f64)
}

/// The gradient of `guess`, from the gradient of the mean.
pub(crate) fn gradient<T: Scalar>(guess: &[T], target: &[T], of_mean: T) -> Vec<T> {
    let scale = of_mean * T::from_f64(2.0 / guess.len() as f64);
    let mut gradient = zeros(guess.len());
    gradient.par_chunks_mut(BLOCK).zip(guess.par_chunks(BLOCK).zip(target.par_chunks(BLOCK))).for_each(
        |(gradient, (a, b))| {
            for (gradient, (a, b)) in gradient.iter_mut().zip(a.iter().zip(b)) {
                *gradient = scale * (*a - *b);
            }
        },
    );
    gradient
}
