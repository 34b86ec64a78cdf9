//! A sequence of ConvNeXt blocks, with gradients passed directly from block to block.

use std::sync::OnceLock;

use candle_core::{CpuStorage, Result, bail};
use rayon::prelude::*;

use super::convnext_mlp::Mlp;
use super::depthwise;
use super::simd::Float;
use crate::shape::DepthwiseShape;

/// Elements per task; no influence on results.
const BLOCK: usize = 16 * 1024;

/// Blocks of one shape.
pub(crate) struct Chain {
    shape: DepthwiseShape,
    mlp: Mlp,
    /// Whether a backward pass may follow.
    keep: bool,
    /// What the forward pass keeps for the backward pass: the output of each block's convolution, and the input of each
    /// block but the first.
    kept: OnceLock<[Vec<CpuStorage>; 2]>,
}

impl Chain {
    pub(crate) fn new(shape: DepthwiseShape, eps: f64, keep: bool) -> Self {
        Self { shape, mlp: Mlp::new(shape.channels, eps), keep, kept: OnceLock::new() }
    }

    /// Elements of the parameters of one block.
    pub(crate) fn parameters(&self) -> usize {
        self.shape.channels * (self.shape.taps() + 1) + self.mlp.parameters()
    }

    /// The parameters of one block: weight and bias of the convolution, and those of [`Mlp`].
    fn parts<'a, T>(&self, parameters: &'a [T]) -> [&'a [T]; 3] {
        let after = parameters.len() - self.mlp.parameters();
        let (convolution, after) = parameters.split_at(after);
        let (weight, bias) = convolution.split_at(convolution.len() / (self.shape.taps() + 1) * self.shape.taps());
        [weight, bias, after]
    }

    /// The output of the last block.
    pub(crate) fn forward<T: Float>(&self, x: &[T], parameters: &[T]) -> Vec<T> {
        let (mut convolved, mut inputs): (Vec<CpuStorage>, Vec<CpuStorage>) = Default::default();
        let mut last: Option<Vec<T>> = None;
        for parameters in parameters.chunks_exact(self.parameters()) {
            let [weight, bias, after] = self.parts(parameters);
            let x = last.as_deref().unwrap_or(x);
            let y = depthwise::forward(&self.shape, x, weight, bias);
            let result = self.mlp.forward(x, &y, after);
            let input = last.replace(result);
            if self.keep {
                convolved.push(T::to_cpu_storage_owned(y));
                inputs.extend(input.map(T::to_cpu_storage_owned));
            }
        }
        self.kept.get_or_init(|| [convolved, inputs]);
        last.unwrap_or_default()
    }

    /// The gradients of x and of the parameters.
    pub(crate) fn backward<T: Float>(&self, x: &[T], parameters: &[T], gradient: &[T]) -> Result<(Vec<T>, Vec<T>)> {
        let Some([convolved, inputs]) = self.kept.get() else {
            bail!("convnext: the backward pass ran before the forward pass")
        };
        let mut dparameters = vec![T::zero(); parameters.len()];
        let mut last: Option<Vec<T>> = None;
        let blocks = parameters.chunks_exact(self.parameters()).zip(dparameters.chunks_exact_mut(self.parameters()));
        for (i, (parameters, dparameters)) in blocks.enumerate().rev() {
            let gradient = last.as_deref().unwrap_or(gradient);
            let x = if i == 0 { x } else { T::cpu_storage_as_slice(&inputs[i - 1])? };
            let [weight, _, after] = self.parts(parameters);
            let (dy, dafter) = self.mlp.backward(T::cpu_storage_as_slice(&convolved[i])?, after, gradient);
            let (dx, dweight, dbias) = depthwise::backward(&self.shape, x, weight, &dy, true);
            let mut dx = dx.unwrap_or_default();
            // The gradient of the residual connection.
            dx.par_chunks_mut(BLOCK).zip(gradient.par_chunks(BLOCK)).for_each(|(dx, gradient)| {
                for (dx, gradient) in dx.iter_mut().zip(gradient) {
                    *dx += *gradient;
                }
            });
            let mut rest = dparameters;
            for part in [&dweight, &dbias, &dafter] {
                let to = rest.split_off_mut(..part.len()).unwrap_or_default();
                to.copy_from_slice(part);
            }
            last = Some(dx);
        }
        Ok((last.unwrap_or_default(), dparameters))
    }
}
