//! Adding a bias to every position.
//!
//! candle's broadcasting does the same, but sums the gradient one strided element at a time.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CudaStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use crate::cpu::{by_dtype, slice, with_slice};
use crate::cuda;
use crate::reduce::{ROWS_PER_BLOCK, column_sums};

const OP: &str = "add_bias";

/// `x + bias`, with `x (.., C)` and `bias (C)`.
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
            let mut y = x.to_vec();
            y.par_chunks_mut(ROWS_PER_BLOCK * bias.len()).for_each(|rows| {
                for row in rows.chunks_exact_mut(bias.len()) {
                    for (y, b) in row.iter_mut().zip(bias) {
                        *y += *b;
                    }
                }
            });
            Ok((T::to_cpu_storage_owned(y), x_layout.shape().clone()))
        })
    }

    fn cuda_fwd(&self, x: &CudaStorage, xl: &Layout, b: &CudaStorage, bl: &Layout) -> Result<(CudaStorage, Shape)> {
        cuda::run(&cuda::pointwise::bias(OP, xl.dims())?, &[(x, xl), (b, bl)])
    }

    fn bwd(&self, x: &Tensor, bias: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        if x.device().is_cuda() {
            return Ok((Some(dy.clone()), Some(cuda::sums::columns(OP, dy.dims())?.on([dy])?)));
        }
        by_dtype!(OP, x.dtype(), T => {
            let dbias = with_slice::<T, _>(OP, dy, |dy| Ok(column_sums(dy, bias.elem_count())))?;
            let dbias = Tensor::from_vec(dbias, bias.shape(), bias.device())?;
            Ok((Some(dy.clone()), Some(dbias)))
        })
    }
}
