//! The affine map of a fully connected layer.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::cpu::linear::Linear;
use crate::cpu::storage::{by_dtype, slice, with_slice};
use crate::cuda::fused::linear as fused;
use crate::flops;

const OP: &str = "linear";

/// `x weight^T + bias` on the last axis, differentiable in all three tensors: `x (.., in)`, `weight (out, in)`,
/// `bias (out)`, to `(.., out)`.
///
/// # Errors
/// If the shapes do not fit, or x is empty.
pub fn linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (outputs, inputs) = weight.dims2()?;
    let Some((&channels, leading)) = x.dims().split_last() else {
        bail!("{OP}: expected an input (.., {inputs}), got a scalar");
    };
    if channels != inputs || x.elem_count() == 0 {
        bail!("{OP}: expected an input (.., {inputs}), got {:?}", x.dims());
    }
    if bias.dims() != [outputs] {
        bail!("{OP}: expected a bias ({outputs}), got {:?}", bias.dims());
    }
    let rows = x.contiguous()?.reshape(((), inputs))?;
    flops::entered(rows.elem_count() * outputs, [&rows, weight]);
    let y = if x.device().is_cpu() {
        rows.apply_op3(&weight.contiguous()?, &bias.contiguous()?, Linear { inputs, outputs })?
    } else {
        fused::linear(&rows, &weight.contiguous()?, &bias.contiguous()?)?
    };
    y.reshape([leading, &[outputs]].concat())
}

impl CustomOp3 for Linear {
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
            let y = self.forward(x, slice(OP, weight, weight_layout)?, slice(OP, bias, bias_layout)?);
            Ok((T::to_cpu_storage_owned(y), Shape::from((x.len() / self.inputs, self.outputs))))
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
                    with_slice(OP, dy, |dy| Ok(self.backward(xs, weight, dy, x.track_op())))
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
