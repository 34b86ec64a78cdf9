//! The Gaussian error linear unit: exact, with erf instead of the tanh approximation.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CudaStorage, CustomOp1, Layout, Result, Shape, Tensor, WithDType};

use crate::cpu::gelu as kernel;
use crate::cpu::storage::{by_dtype, slice, with_slice};
use crate::cuda;
use crate::cuda::plans::pointwise;

const OP: &str = "gelu";

/// `x * cdf(x)` with the distribution function of the standard normal distribution, element by element; differentiable.
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Gelu)
}

struct Gelu;

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!(OP, x.dtype(), T => {
            let y = kernel::forward::<T>(slice(OP, x, layout)?);
            Ok((T::to_cpu_storage_owned(y), layout.shape().clone()))
        })
    }

    fn cuda_fwd(&self, x: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        cuda::run(&pointwise::gelu(OP, layout.dims())?, &[(x, layout)])
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        if x.device().is_cuda() {
            return pointwise::gelu_backward(OP, x.dims())?.on([x, dy]).map(Some);
        }
        by_dtype!(OP, x.dtype(), T => {
            let dx = with_slice::<T, _>(OP, x, |x| with_slice(OP, dy, |dy| Ok(kernel::backward(x, dy))))?;
            Ok(Some(Tensor::from_vec(dx, x.shape(), x.device())?))
        })
    }
}
