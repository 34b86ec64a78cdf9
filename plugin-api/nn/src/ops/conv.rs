//! Dense convolution, 3-D and 2-D, channels-last.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::cpu::conv as kernel;
use crate::cpu::storage::{by_dtype, slice, with_slice};
use crate::cuda::fused;
use crate::flops;
use crate::shape::{Axis, ConvShape, Window};

const OP: &str = "conv";

/// A convolution, differentiable in all three tensors.
///
/// With three axes (time, height, width), `x (B, T, H, W, I)` and `weight (O, I, kt, kh, kw)` give
/// `(B, T', H', W', O)`; with two (height, width), `x (B, H, W, I)` and `weight (O, I, kh, kw)` give `(B, H', W', O)`.
/// `bias (O)`.
///
/// # Errors
/// If the shapes do not fit each other, x is empty, or the kernel does not fit the padded field.
pub fn conv(x: &Tensor, weight: &Tensor, bias: &Tensor, axes: &[Axis]) -> Result<Tensor> {
    check(x, weight, axes)?;
    if axes.len() == 2 {
        let axes = [Axis::patches(1), axes[0], axes[1]];
        return conv(&x.unsqueeze(1)?, &weight.unsqueeze(2)?, bias, &axes)?.squeeze(1);
    }
    let shape = enter([x, weight, bias], [axes[0], axes[1], axes[2]])?;
    let (x, bias) = (x.contiguous()?, bias.contiguous()?);
    match x.device().is_cpu() {
        true => x.apply_op3(&weight.contiguous()?, &bias, ConvOp(shape)),
        false => fused::conv::conv(&x, weight, &bias, shape),
    }
}

/// Checks that the shapes of x and weight fit the axes.
pub(super) fn check(x: &Tensor, weight: &Tensor, axes: &[Axis]) -> Result<()> {
    let rank = axes.len() + 2;
    if !(axes.len() == 2 || axes.len() == 3)
        || x.rank() != rank
        || weight.rank() != rank
        || weight.dims()[1] != x.dims()[rank - 1]
        || !axes.iter().map(|axis| axis.kernel).eq(weight.dims()[2..].iter().copied())
    {
        bail!(
            "{OP}: expected x (B, .., I) and weight (O, I, ..) with the kernel sizes of {axes:?}, \
             got {:?} and {:?}",
            x.dims(),
            weight.dims()
        );
    }
    Ok(())
}

/// The shape of a convolution of tensors that passed [`check`]; counts its operations.
pub(super) fn enter([x, weight, bias]: [&Tensor; 3], axes: [Axis; 3]) -> Result<ConvShape> {
    if x.elem_count() == 0 {
        bail!("{OP}: the input is empty: {:?}", x.dims());
    }
    let (b, t, h, w, channels) = x.dims5()?;
    let Some(window) = Window::new(axes, [t, h, w], channels) else {
        bail!("{OP}: the kernel of {axes:?} does not fit an input of shape {:?}", x.dims())
    };
    let filters = weight.dims()[0];
    flops::conv(x, weight, &axes, filters * channels);
    if bias.dims() != [filters] {
        bail!("{OP}: expected a bias ({filters}), got {:?}", bias.dims());
    }
    Ok(ConvShape { window, batch: b, filters })
}

struct ConvOp(ConvShape);

impl CustomOp3 for ConvOp {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!(OP, x.dtype(), T => {
            let x = slice::<T>(OP, x, x_layout)?;
            let weight = slice(OP, weight, weight_layout)?;
            let bias = slice(OP, bias, bias_layout)?;
            let y = kernel::forward(&self.0, x, weight, bias);
            Ok((T::to_cpu_storage_owned(y), Shape::from(self.0.output_dims().as_slice())))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        by_dtype!(OP, x.dtype(), T => {
            let (dx, dweight, dbias) = with_slice::<T, _>(OP, x, |xs| {
                with_slice(OP, weight, |weight| {
                    with_slice(OP, dy, |dy| Ok(kernel::backward(&self.0, xs, weight, dy, x.track_op())))
                })
            })?;
            let device = x.device();
            Ok((
                dx.map(|dx| Tensor::from_vec(dx, x.shape(), device)).transpose()?,
                Some(Tensor::from_vec(dweight, weight.shape(), device)?),
                Some(Tensor::from_vec(dbias, bias.shape(), device)?),
            ))
        })
    }
}
