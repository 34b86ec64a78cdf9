//! The sum of a field and a bias. candle's broadcasting computes the same, but sums the gradient one strided element at
//! a time.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CudaStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::cpu::add_bias as kernel;
use crate::cpu::reduce::column_sums;
use crate::cpu::storage::{by_dtype, slice, with_slice};
use crate::cuda;
use crate::cuda::plans::{pointwise, sums};

const OP: &str = "add_bias";

/// `x + bias`, with `x (.., C)` and `bias (C)`; differentiable in both.
///
/// # Errors
/// If the shapes do not fit.
pub fn add_bias(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    match (x.dims().last(), bias.dims()) {
        (Some(&channels), &[c]) if channels == c && c > 0 => x.contiguous()?.apply_op2(&bias.contiguous()?, AddBias),
        _ => bail!("{OP}: expected tensors (.., C) and (C), got {:?} and {:?}", x.dims(), bias.dims()),
    }
}

struct AddBias;

impl CustomOp2 for AddBias {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!(OP, x.dtype(), T => {
            let x = slice::<T>(OP, x, x_layout)?;
            let bias: &[T] = slice(OP, bias, bias_layout)?;
            Ok((T::to_cpu_storage_owned(kernel::forward(x, bias)), x_layout.shape().clone()))
        })
    }

    fn cuda_fwd(&self, x: &CudaStorage, xl: &Layout, b: &CudaStorage, bl: &Layout) -> Result<(CudaStorage, Shape)> {
        cuda::run(&pointwise::bias(OP, xl.dims())?, &[(x, xl), (b, bl)])
    }

    fn bwd(&self, x: &Tensor, bias: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        if x.device().is_cuda() {
            return Ok((Some(dy.clone()), Some(sums::columns(OP, dy.dims())?.on([dy])?)));
        }
        by_dtype!(OP, x.dtype(), T => {
            let dbias = with_slice::<T, _>(OP, dy, |dy| Ok(column_sums(dy, bias.elem_count())))?;
            let dbias = Tensor::from_vec(dbias, bias.shape(), bias.device())?;
            Ok((Some(dy.clone()), Some(dbias)))
        })
    }
}
