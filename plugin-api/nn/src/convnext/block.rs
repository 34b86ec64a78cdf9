//! A whole ConvNeXt block in one operation, for the CPU.
//!
//! The gradient of a block's input is one tensor then, and not the sum of three that the graph adds up one by one.

use std::sync::OnceLock;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use super::mlp::Mlp;
use crate::cpu::{by_dtype, slice, with_slice};
use crate::depthwise::kernel::{Geometry, backward, forward};
use crate::float::Float;

const OP: &str = "convnext_block";
/// Elements of one task; of no influence on results.
const BLOCK: usize = 16 * 1024;

/// `x + gamma * (w2 gelu(w1 layer_norm(conv(x)) + b1) + b2)`, differentiable in both tensors.
///
/// `x (B, T, H, W, C)` goes with a convolution's `weight` of shape `(C, 1, kt, kh, kw)`, `x (B, H, W, C)` with
/// `(C, 1, kh, kw)`. `parameters` holds the elements of that weight and of its bias `(C)`, then those of
/// [`mlp`](super::mlp::mlp), one after the other.
pub(super) fn block(x: &Tensor, weight: &[usize], parameters: &Tensor, eps: f64) -> Result<Tensor> {
    let geometry = match (x.dims(), weight) {
        (dims @ &[_, _, _, _, c], &[_, _, _, _, _]) => Geometry::new(dims, weight, &[c])?,
        (&[b, h, w, c], &[o, i, kh, kw]) => Geometry::new(&[b, 1, h, w, c], &[o, i, 1, kh, kw], &[c])?,
        (dims, _) => bail!("{OP}: x {dims:?} does not go with a convolution {weight:?}"),
    };
    let mlp = Mlp::new(weight[0], eps);
    let expected = weight[0] * (geometry.taps() + 1) + mlp.parameters();
    if parameters.dims() != [expected] {
        bail!("{OP}: expected ({expected}) parameters, got {:?}", parameters.dims());
    }
    x.contiguous()?.apply_op2(&parameters.contiguous()?, Block { geometry, mlp, convolved: OnceLock::new() })
}

struct Block {
    geometry: Geometry,
    mlp: Mlp,
    /// The convolution's output, from the forward to the backward pass.
    convolved: OnceLock<CpuStorage>,
}

impl Block {
    /// The parameters of the convolution's weight, of its bias, and of all behind.
    fn parts<'a, T>(&self, parameters: &'a [T]) -> [&'a [T]; 3] {
        let behind = parameters.len() - self.mlp.parameters();
        let (convolution, behind) = parameters.split_at(behind);
        let (weight, bias) =
            convolution.split_at(convolution.len() / (self.geometry.taps() + 1) * self.geometry.taps());
        [weight, bias, behind]
    }

    /// The gradients of x and of the parameters.
    fn backward<T: Float>(&self, x: &[T], parameters: &[T], convolved: &[T], gradient: &[T]) -> (Vec<T>, Vec<T>) {
        let [weight, _, behind] = self.parts(parameters);
        let (dy, dbehind) = self.mlp.backward(convolved, behind, gradient);
        let (dx, mut dparameters, dbias) = backward(&self.geometry, x, weight, &dy, true);
        let mut dx = dx.unwrap_or_default();
        // What goes past the branch.
        dx.par_chunks_mut(BLOCK).zip(gradient.par_chunks(BLOCK)).for_each(|(dx, gradient)| {
            for (dx, gradient) in dx.iter_mut().zip(gradient) {
                *dx += *gradient;
            }
        });
        dparameters.extend(dbias);
        dparameters.extend(dbehind);
        (dx, dparameters)
    }
}

impl CustomOp2 for Block {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        parameters: &CpuStorage,
        parameters_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!(OP, x.dtype(), T => {
            let x = slice::<T>(OP, x, x_layout)?;
            let [weight, bias, behind] = self.parts(slice(OP, parameters, parameters_layout)?);
            let y = forward(&self.geometry, x, weight, bias);
            let result = self.mlp.forward(x, &y, behind);
            self.convolved.get_or_init(|| T::to_cpu_storage_owned(y));
            Ok((T::to_cpu_storage_owned(result), x_layout.shape().clone()))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        parameters: &Tensor,
        _result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let Some(convolved) = self.convolved.get() else {
            bail!("{OP}: the backward pass came before the forward pass")
        };
        by_dtype!(OP, x.dtype(), T => {
            let convolved = T::cpu_storage_as_slice(convolved)?;
            let (dx, dparameters) = with_slice::<T, _>(OP, x, |x| {
                with_slice(OP, parameters, |p| {
                    with_slice(OP, gradient, |g| Ok(self.backward(x, p, convolved, g)))
                })
            })?;
            let device = x.device();
            Ok((
                Some(Tensor::from_vec(dx, x.shape(), device)?),
                Some(Tensor::from_vec(dparameters, parameters.shape(), device)?),
            ))
        })
    }
}
