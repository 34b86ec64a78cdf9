//! The patches of a field as rows of a matrix.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CudaStorage, CustomOp1, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::cpu::im2col as kernel;
use crate::cpu::storage::{by_dtype, slice, with_slice};
use crate::cuda;
use crate::cuda::plans::im2col as plans;
use crate::shape::{Axis, Window};

const OP: &str = "patches";

/// Cuts a field into patches that touch without overlapping; differentiable. `x (B, T, H, W, C)` and patches of `size`
/// `(kt, kh, kw)` give `(B, T/kt H/kh W/kw, kt kh kw C)`; patches and their elements are in the order of time, height,
/// width.
///
/// A convolution with this kernel and stride is a linear layer on these rows, with the channels of its weight moved to
/// the end.
///
/// # Errors
/// If the patches do not fill the field.
pub fn patches(x: &Tensor, size: [usize; 3]) -> Result<Tensor> {
    let (batch, t, h, w, channels) = x.dims5()?;
    let field = [t, h, w];
    if x.elem_count() == 0 || size.iter().zip(field).any(|(&size, field)| size == 0 || !field.is_multiple_of(size)) {
        bail!("{OP}: expected x (B, T, H, W, C) that patches {size:?} fill, got {:?}", x.dims());
    }
    let Some(window) = Window::new(size.map(Axis::patches), field, channels) else {
        bail!("{OP}: patches {size:?} do not fit x {:?}", x.dims())
    };
    let rows = x.contiguous()?.apply_op1(Patches(window))?;
    rows.reshape((batch, window.positions(), window.patch_len()))
}

struct Patches(Window);

impl CustomOp1 for Patches {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!(OP, x.dtype(), T => {
            let patches = kernel::im2col::<T>(&self.0, slice(OP, x, layout)?);
            let shape = (patches.len() / self.0.patch_len(), self.0.patch_len());
            Ok((T::to_cpu_storage_owned(patches), shape.into()))
        })
    }

    fn cuda_fwd(&self, x: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        cuda::run(&plans::im2col(OP, &self.0, layout.dims()[0])?, &[(x, layout)])
    }

    fn bwd(&self, x: &Tensor, _patches: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        if x.device().is_cuda() {
            return plans::col2im(OP, &self.0, x.dims()[0])?.on([gradient]).map(Some);
        }
        by_dtype!(OP, x.dtype(), T => {
            let dx = with_slice::<T, _>(OP, gradient, |g| Ok(kernel::col2im(&self.0, g, x.dims()[0])))?;
            Ok(Some(Tensor::from_vec(dx, x.shape(), x.device())?))
        })
    }
}
