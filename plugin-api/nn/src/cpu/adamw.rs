//! AdamW on slices.

use rayon::prelude::*;

use super::scalar::Scalar;

/// Elements per task; no influence on results.
const BLOCK: usize = 16 * 1024;

/// `mean += (1 - beta1) (g - mean)`, `square = beta2 square + (1 - beta2) g^2`.
pub(crate) struct UpdateMoments {
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
}

impl UpdateMoments {
    /// `moments (2, n)` are the means and the squares of `n` elements.
    pub(crate) fn run<T: Scalar>(&self, moments: &mut [T], gradient: &[T]) {
        let [keep, mean_rate, square_rate] = [self.beta2, 1.0 - self.beta1, 1.0 - self.beta2].map(T::from_f64);
        let (mean, square) = moments.split_at_mut(gradient.len());
        mean.par_chunks_mut(BLOCK).zip(square.par_chunks_mut(BLOCK)).zip(gradient.par_chunks(BLOCK)).for_each(
            |((mean, square), gradient)| {
                for ((m, v), g) in mean.iter_mut().zip(square).zip(gradient) {
                    *m = *m + mean_rate * (*g - *m);
                    *v = keep * *v + square_rate * *g * *g;
                }
            },
        );
    }
}

/// `p = shrink p - rate mean / (sqrt(square) / root_bias + eps)`.
pub(crate) struct UpdateParameter {
    pub(crate) shrink: f64,
    pub(crate) rate: f64,
    pub(crate) root_bias: f64,
    pub(crate) eps: f64,
}

impl UpdateParameter {
    /// `moments` as for [`UpdateMoments::run`].
    pub(crate) fn run<T: Scalar>(&self, parameter: &mut [T], moments: &[T]) {
        let [shrink, rate, root_bias, eps] = [self.shrink, self.rate, self.root_bias, self.eps].map(T::from_f64);
        let (mean, square) = moments.split_at(parameter.len());
        parameter.par_chunks_mut(BLOCK).zip(mean.par_chunks(BLOCK).zip(square.par_chunks(BLOCK))).for_each(
            |(parameter, (mean, square))| {
                for (p, (m, v)) in parameter.iter_mut().zip(mean.iter().zip(square)) {
                    *p = shrink * *p - rate * *m / (Scalar::sqrt(*v) / root_bias + eps);
                }
            },
        );
    }
}
