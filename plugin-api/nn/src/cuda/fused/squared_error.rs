//! The mean squared error. candle's mean over all elements would run on a single block.

use candle_core::{Result, Tensor};

use crate::cuda::composite::Composite;
use crate::cuda::plans::squared_error;

const OP: &str = "mean_squared_error";

/// The mean over all elements of `(guess - target)^2`, a scalar; differentiable in `guess`.
pub(crate) fn mean_squared_error(guess: &Tensor, target: &Tensor) -> Result<Tensor> {
    let (a, b) = (guess.detach(), target.clone());
    let sum = squared_error::sum(OP, guess.dims())?;
    let last = Composite::new(sum, [guess, target], move |gradient: &Tensor| {
        Ok([Some(squared_error::backward(OP, a.dims())?.on([&a, &b, gradient])?)])
    });
    (guess.apply_op1(last)? / guess.elem_count() as f64)?.reshape(())
}
