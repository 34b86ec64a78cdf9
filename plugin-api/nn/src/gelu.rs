//! The Gaussian error linear unit, exact (with erf, not its tanh approximation).

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CudaStorage, CustomOp1, Layout, Result, Shape, Tensor, WithDType};
use rayon::prelude::*;

use crate::cpu::{by_dtype, slice, with_slice};
use crate::cuda;
use crate::float::Float;
use crate::memory::zeros;
use crate::simd::{Isa, Kernel, Vector};

const OP: &str = "gelu";
/// Elements of one task; of no influence on results.
const BLOCK: usize = 8192;

/// `x * cdf(x)` with the standard normal distribution function, element by element.
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Gelu)
}

struct Gelu;

pub(crate) struct Forward<'a, T> {
    pub(crate) x: &'a [T],
    pub(crate) y: &'a mut [T],
}

impl<T: Float> Kernel<T> for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        for (y, &x) in self.y.iter_mut().zip(self.x) {
            *y = x * x.normal_cdf_pdf(V::FUSED).0;
        }
    }
}

/// Multiplies `gradient`, that of the result, by the derivative at `x`.
pub(crate) struct BackwardInPlace<'a, T> {
    pub(crate) x: &'a [T],
    pub(crate) gradient: &'a mut [T],
}

impl<T: Float> Kernel<T> for BackwardInPlace<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        for (gradient, &x) in self.gradient.iter_mut().zip(self.x) {
            let (cdf, pdf) = x.normal_cdf_pdf(V::FUSED);
            *gradient *= x.mul_add(pdf, cdf, V::FUSED);
        }
    }
}

/// Writes the result into `y`, and leaves the derivative in the place of `x`.
pub(crate) struct WithSlope<'a, T> {
    pub(crate) x: &'a mut [T],
    pub(crate) y: &'a mut [T],
}

impl<T: Float> Kernel<T> for WithSlope<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        for (y, x) in self.y.iter_mut().zip(self.x) {
            let (cdf, pdf) = x.normal_cdf_pdf(V::FUSED);
            *y = *x * cdf;
            *x = x.mul_add(pdf, cdf, V::FUSED);
        }
    }
}

fn forward<T: Float>(x: &[T]) -> Vec<T> {
    let isa = Isa::best();
    let mut y = zeros(x.len());
    y.par_chunks_mut(BLOCK).zip(x.par_chunks(BLOCK)).for_each(|(y, x)| isa.run(Forward { x, y }));
    y
}

fn backward<T: Float>(x: &[T], dy: &[T]) -> Vec<T> {
    let isa = Isa::best();
    let mut dx = dy.to_vec();
    dx.par_chunks_mut(BLOCK)
        .zip(x.par_chunks(BLOCK))
        .for_each(|(gradient, x)| isa.run(BackwardInPlace { x, gradient }));
    dx
}

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!(OP, x.dtype(), T => {
            let y = forward::<T>(slice(OP, x, layout)?);
            Ok((T::to_cpu_storage_owned(y), layout.shape().clone()))
        })
    }

    fn cuda_fwd(&self, x: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        cuda::run(&cuda::pointwise::gelu(OP, layout.dims())?, &[(x, layout)])
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        if x.device().is_cuda() {
            return cuda::pointwise::gelu_backward(OP, x.dims())?.on([x, dy]).map(Some);
        }
        by_dtype!(OP, x.dtype(), T => {
            let dx = with_slice::<T, _>(OP, x, |x| with_slice(OP, dy, |dy| Ok(backward(x, dy))))?;
            Ok(Some(Tensor::from_vec(dx, x.shape(), x.device())?))
        })
    }
}
