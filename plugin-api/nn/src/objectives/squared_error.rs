//! The mean squared error; its value and its gradient take one pass each.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::cpu::squared_error as kernel;
use crate::cpu::storage::{by_dtype, slice, with_slice};
use crate::cuda::fused::squared_error as fused;

const OP: &str = "mean_squared_error";

/// The mean over all elements of `(guess - target)^2`, a scalar; differentiable in `guess`. Both tensors have the same
/// shape; `target` gets no gradient, and may not depend on a variable.
///
/// # Errors
/// If the shapes differ or are empty, or if `target` depends on a variable.
pub fn mean_squared_error(guess: &Tensor, target: &Tensor) -> Result<Tensor> {
    if guess.dims() != target.dims() || guess.elem_count() == 0 {
        bail!("{OP}: expected two tensors of the same shape, got {:?} and {:?}", guess.dims(), target.dims());
    }
    if target.track_op() {
        bail!(
            "{OP}: the target depends on a variable and would get no gradient: detach it, or use (a - b).sqr().mean_all()"
        );
    }
    if !guess.device().is_cpu() {
        return fused::mean_squared_error(&guess.contiguous()?, &target.contiguous()?);
    }
    guess.contiguous()?.apply_op2(&target.contiguous()?, SquaredError)
}

struct SquaredError;

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
            let mean = kernel::mean::<T>(slice(OP, guess, gl)?, slice(OP, target, tl)?);
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
                with_slice(OP, target, |target| Ok(kernel::gradient(guess, target, of_mean)))
            })?;
            Ok((Some(Tensor::from_vec(dguess, guess.shape(), guess.device())?), None))
        })
    }
}
