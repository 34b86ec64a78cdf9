//! Swapping two axes: of tokens, so that attention may run along either, or of channels and points.
//!
//! candle's transposition returns a strided tensor and a strided gradient, which slow down all operations that follow;
//! and it makes such a tensor contiguous one element at a time, on one thread.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CudaStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, WithDType};

use crate::cpu::storage::{by_dtype, slice};
use crate::cpu::swap_axes as kernel;
use crate::cuda;
use crate::cuda::plans::swap_axes as plans;

const OP: &str = "swap_axes";

/// `(A, M, N, D)` to a contiguous `(A, N, M, D)`, with a contiguous gradient.
///
/// # Errors
/// If x does not have four axes.
pub fn swap_axes(x: &Tensor) -> Result<Tensor> {
    let (_, m, n, d) = x.dims4()?;
    if x.elem_count() > 0 && (x.device().is_cpu() || has_kernel(x.dtype(), d)) {
        return x.contiguous()?.apply_op1(Swap { m, n, d });
    }
    x.transpose(1, 2)?.contiguous()
}

/// Whether the GPU kernels support tokens of this length: single elements, or enough of them to occupy a warp.
fn has_kernel(dtype: DType, length: usize) -> bool {
    matches!(dtype, DType::F32 | DType::BF16) && (length == 1 || length >= 8)
}

struct Swap {
    m: usize,
    n: usize,
    d: usize,
}

impl CustomOp1 for Swap {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Self { m, n, d } = *self;
        by_dtype!(OP, x.dtype(), T => {
            let y = kernel::forward(slice::<T>(OP, x, layout)?, [m, n, d]);
            Ok((T::to_cpu_storage_owned(y), Shape::from((layout.dims()[0], n, m, d))))
        })
    }

    fn cuda_fwd(&self, x: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        let Self { m, n, d } = *self;
        cuda::run(&plans::swap_axes(OP, [layout.dims()[0], m, n, d])?, &[(x, layout)])
    }

    fn bwd(&self, _x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        swap_axes(dy).map(Some)
    }
}
