//! The mean squared error, its value and its gradient in one pass each.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use crate::cpu::{by_dtype, slice, with_slice};
use crate::cuda::{Composite, squared_error};
use crate::float::Float;
use crate::memory::zeros;
use crate::reduce::row_sum;

const OP: &str = "mean_squared_error";
/// Elements that are summed one after the other; the blocks' sums are added in order.
const BLOCK: usize = 8192;

/// The mean over all elements of `(guess - target)^2`, a scalar; differentiable in `guess`. Both tensors have one shape, and
/// no gradient reaches `target`, which may not depend on a variable.
///
/// # Errors
/// If the shapes differ or are empty, or if `target` depends on a variable.
pub fn mean_squared_error(guess: &Tensor, target: &Tensor) -> Result<Tensor> {
    if guess.dims() != target.dims() || guess.elem_count() == 0 {
        bail!("{OP}: expected two tensors of one shape, got {:?} and {:?}", guess.dims(), target.dims());
    }
    if target.track_op() {
        bail!(
            "{OP}: the target depends on variables, and would get no gradient: detach it, or use (a - b).sqr().mean_all()"
        );
    }
    if !guess.device().is_cpu() {
        return on_gpu(&guess.contiguous()?, &target.contiguous()?);
    }
    guess.contiguous()?.apply_op2(&target.contiguous()?, SquaredError)
}

/// The same on a GPU, where candle's mean of everything is the work of one block.
fn on_gpu(guess: &Tensor, target: &Tensor) -> Result<Tensor> {
    let (a, b) = (guess.detach(), target.clone());
    let sum = squared_error::sum(OP, guess.dims())?;
    let last = Composite::new(sum, [guess, target], move |gradient: &Tensor| {
        Ok([Some(squared_error::backward(OP, a.dims())?.on([&a, &b, gradient])?)])
    });
    (guess.apply_op1(last)? / guess.elem_count() as f64)?.reshape(())
}

struct SquaredError;

fn mean<T: Float>(guess: &[T], target: &[T]) -> T {
    let square = |(a, b): (&[T], &[T])| row_sum(a.len(), |i| (a[i] - b[i]) * (a[i] - b[i])).to_f64();
    let sums: Vec<f64> = guess.par_chunks(BLOCK).zip(target.par_chunks(BLOCK)).map(square).collect();
    T::from_f64(sums.iter().sum::<f64>() / guess.len() as f64)
}

fn gradient<T: Float>(guess: &[T], target: &[T], of_mean: T) -> Vec<T> {
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

impl CustomOp2 for SquaredError {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        guess: &CpuStorage,
        gl: &Layout,
        target: &CpuStorage,
        tl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!(OP, guess.dtype(), T => {
            let mean = mean::<T>(slice(OP, guess, gl)?, slice(OP, target, tl)?);
            Ok((T::to_cpu_storage_owned(vec![mean]), Shape::from(())))
        })
    }

    fn bwd(
        &self,
        guess: &Tensor,
        target: &Tensor,
        _mean: &Tensor,
        of_mean: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        by_dtype!(OP, guess.dtype(), T => {
            let of_mean = of_mean.to_scalar::<T>()?;
            let dguess = with_slice::<T, _>(OP, guess, |guess| {
                with_slice(OP, target, |target| Ok(gradient(guess, target, of_mean)))
            })?;
            Ok((Some(Tensor::from_vec(dguess, guess.shape(), guess.device())?), None))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cuda::emulation::composite_agrees;

    #[test]
    fn a_gpu_s_agrees_with_the_cpu_s_and_so_does_the_gradient() -> Result<()> {
        for shape in [&[1, 1][..], &[7, 300], &[3, 50, 1000]] {
            composite_agrees(
                &format!("{shape:?}"),
                [shape],
                |[x]| mean_squared_error(x, &(x.detach() * 0.5)?)?.reshape((1, 1)),
                |[x]| on_gpu(x, &(x.detach() * 0.5)?)?.reshape((1, 1)),
            )?;
        }
        Ok(())
    }
}
