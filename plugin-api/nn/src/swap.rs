//! Swapping two axes of tokens, so that attention may run along either, or of channels and points.
//!
//! candle's transposition leaves a strided tensor, and a strided gradient, on which everything that follows is slow; and
//! it copies such a tensor number by number, on one thread.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CudaStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, WithDType};
use rayon::prelude::*;

use crate::cpu::{by_dtype, slice};
use crate::cuda;
use crate::float::Float;
use crate::memory::zeros;

const OP: &str = "swap_axes";

/// `(A, M, N, D)` to a contiguous `(A, N, M, D)`, with a contiguous gradient.
pub fn swap_axes(x: &Tensor) -> Result<Tensor> {
    let (_, m, n, d) = x.dims4()?;
    if x.elem_count() > 0 && (x.device().is_cpu() || has_kernel(x.dtype(), d)) {
        return x.contiguous()?.apply_op1(Swap { m, n, d });
    }
    x.transpose(1, 2)?.contiguous()
}

/// Whether there is a GPU's kernel for tokens of that length: single numbers, or so many that they occupy a warp.
fn has_kernel(dtype: DType, length: usize) -> bool {
    matches!(dtype, DType::F32 | DType::BF16) && (length == 1 || length >= 8)
}

struct Swap {
    m: usize,
    n: usize,
    d: usize,
}

impl Swap {
    fn forward<T: Float>(&self, x: &[T]) -> Vec<T> {
        /// Of the tokens along N, those of one task.
        const BLOCK: usize = 1024;
        let Self { m, n, d } = *self;
        let mut y = zeros(x.len());
        y.par_chunks_mut(m * n * d).zip(x.par_chunks(m * n * d)).for_each(|(y, x)| {
            y.par_chunks_mut(BLOCK * m * d).enumerate().for_each(|(block, y)| {
                let numbers = y.len() / m;
                for (row, x) in x.chunks_exact(n * d).enumerate() {
                    let x = &x[block * BLOCK * d..][..numbers];
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
}

impl CustomOp1 for Swap {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Self { m, n, d } = *self;
        by_dtype!(OP, x.dtype(), T => {
            let y = self.forward(slice::<T>(OP, x, layout)?);
            Ok((T::to_cpu_storage_owned(y), Shape::from((layout.dims()[0], n, m, d))))
        })
    }

    fn cuda_fwd(&self, x: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        let Self { m, n, d } = *self;
        cuda::run(&cuda::swap::swap(OP, [layout.dims()[0], m, n, d])?, &[(x, layout)])
    }

    fn bwd(&self, _x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        swap_axes(dy).map(Some)
    }
}
