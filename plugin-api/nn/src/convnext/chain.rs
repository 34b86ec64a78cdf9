//! ConvNeXt blocks one behind the other, in one operation: here the CPU's.
//!
//! Gradients go from block to block directly then. The graph would first clear a tensor for each, and add to it.

use std::sync::OnceLock;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use super::on_gpu;
use crate::conv::Axis;
use crate::cpu::{by_dtype, slice, with_slice};
use crate::depthwise::kernel::{Geometry, backward, forward};
use crate::float::Float;
use crate::gradients::Joined;
use crate::mlp::Mlp;

const OP: &str = "convnext";
/// Elements of one task; of no influence on results.
const BLOCK: usize = 16 * 1024;

/// `x + gamma * (w2 gelu(w1 layer_norm(conv(x)) + b1) + b2)`, as often as there are parameters for it; differentiable in
/// both.
///
/// `x (B, T, H, W, C)` goes with convolutions' `weight` of shape `(C, 1, kt, kh, kw)`, `x (B, H, W, C)` with
/// `(C, 1, kh, kw)`. `parameters` holds, block by block, the elements of that weight and of its bias `(C)`, then those
/// of [`Mlp`], one after the other.
pub(super) fn chain(x: &Tensor, weight: &[usize], joined: Joined, eps: f64) -> Result<Tensor> {
    let parameters = &joined.values;
    let geometry = match (x.dims(), weight) {
        (dims @ &[_, _, _, _, c], &[_, _, _, _, _]) => Geometry::new(dims, weight, &[c])?,
        (&[b, h, w, c], &[o, i, kh, kw]) => Geometry::new(&[b, 1, h, w, c], &[o, i, 1, kh, kw], &[c])?,
        (dims, _) => bail!("{OP}: x {dims:?} does not go with a convolution {weight:?}"),
    };
    let mlp = Mlp::new(weight[0], eps);
    let each = weight[0] * (geometry.taps() + 1) + mlp.parameters();
    if parameters.rank() != 1 || parameters.elem_count() == 0 || !parameters.elem_count().is_multiple_of(each) {
        bail!("{OP}: expected ({each}) parameters a block, got {:?}", parameters.dims());
    }
    let fields = if x.rank() == 4 { x.unsqueeze(1)? } else { x.clone() };
    for _ in 0..parameters.elem_count() / each {
        crate::flops::conv(&fields, &joined.argument, &geometry.kernel.map(Axis::same), weight[0]);
        crate::flops::entered(8 * weight[0] * x.elem_count(), [x, &joined.argument]);
    }
    let x = x.contiguous()?;
    if x.device().is_cpu() {
        let parameters = joined.argument.contiguous()?;
        let keep = x.track_op() || parameters.track_op();
        x.apply_op2(&parameters, Chain { geometry, mlp, each, keep, passed: OnceLock::new() })
    } else {
        on_gpu::chain(&x, joined, on_gpu::Form::new(geometry, eps))
    }
}

struct Chain {
    geometry: Geometry,
    mlp: Mlp,
    /// Parameters of one block.
    each: usize,
    /// Whether a backward pass may follow.
    keep: bool,
    /// What the forward pass leaves for the backward pass: each block's convolution's output, and the input of each but
    /// the first.
    passed: OnceLock<[Vec<CpuStorage>; 2]>,
}

impl Chain {
    /// One block's parameters: of the convolution's weight, of its bias, and of all behind.
    fn parts<'a, T>(&self, parameters: &'a [T]) -> [&'a [T]; 3] {
        let behind = parameters.len() - self.mlp.parameters();
        let (convolution, behind) = parameters.split_at(behind);
        let (weight, bias) =
            convolution.split_at(convolution.len() / (self.geometry.taps() + 1) * self.geometry.taps());
        [weight, bias, behind]
    }

    fn forward<T: Float>(&self, x: &[T], parameters: &[T]) -> Vec<T> {
        let (mut convolved, mut inputs): (Vec<CpuStorage>, Vec<CpuStorage>) = Default::default();
        let mut last: Option<Vec<T>> = None;
        for parameters in parameters.chunks_exact(self.each) {
            let [weight, bias, behind] = self.parts(parameters);
            let x = last.as_deref().unwrap_or(x);
            let y = forward(&self.geometry, x, weight, bias);
            let result = self.mlp.forward(x, &y, behind);
            let input = last.replace(result);
            if self.keep {
                convolved.push(T::to_cpu_storage_owned(y));
                inputs.extend(input.map(T::to_cpu_storage_owned));
            }
        }
        self.passed.get_or_init(|| [convolved, inputs]);
        last.unwrap_or_default()
    }

    /// The gradients of x and of the parameters.
    fn backward<T: Float>(&self, x: &[T], parameters: &[T], gradient: &[T]) -> Result<(Vec<T>, Vec<T>)> {
        let Some([convolved, inputs]) = self.passed.get() else {
            bail!("{OP}: the backward pass came before the forward pass")
        };
        let mut dparameters = vec![T::zero(); parameters.len()];
        let mut last: Option<Vec<T>> = None;
        let blocks = parameters.chunks_exact(self.each).zip(dparameters.chunks_exact_mut(self.each));
        for (i, (parameters, dparameters)) in blocks.enumerate().rev() {
            let gradient = last.as_deref().unwrap_or(gradient);
            let x = if i == 0 { x } else { T::cpu_storage_as_slice(&inputs[i - 1])? };
            let [weight, _, behind] = self.parts(parameters);
            let (dy, dbehind) = self.mlp.backward(T::cpu_storage_as_slice(&convolved[i])?, behind, gradient);
            let (dx, dweight, dbias) = backward(&self.geometry, x, weight, &dy, true);
            let mut dx = dx.unwrap_or_default();
            // What goes past the branch.
            dx.par_chunks_mut(BLOCK).zip(gradient.par_chunks(BLOCK)).for_each(|(dx, gradient)| {
                for (dx, gradient) in dx.iter_mut().zip(gradient) {
                    *dx += *gradient;
                }
            });
            let mut rest = dparameters;
            for part in [&dweight, &dbias, &dbehind] {
                let to = rest.split_off_mut(..part.len()).unwrap_or_default();
                to.copy_from_slice(part);
            }
            last = Some(dx);
        }
        Ok((last.unwrap_or_default(), dparameters))
    }
}

impl CustomOp2 for Chain {
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
            let y = self.forward::<T>(slice(OP, x, x_layout)?, slice(OP, parameters, parameters_layout)?);
            Ok((T::to_cpu_storage_owned(y), x_layout.shape().clone()))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        parameters: &Tensor,
        _y: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        by_dtype!(OP, x.dtype(), T => {
            let (dx, dparameters) = with_slice::<T, _>(OP, x, |x| {
                with_slice(OP, parameters, |p| with_slice(OP, gradient, |g| self.backward(x, p, g)))
            })?;
            let device = x.device();
            Ok((
                Some(Tensor::from_vec(dx, x.shape(), device)?),
                Some(Tensor::from_vec(dparameters, parameters.shape(), device)?),
            ))
        })
    }
}
