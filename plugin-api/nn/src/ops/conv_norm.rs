//! A convolution with a layer normalisation after it or before it: two operations on the CPU, one on a GPU.

use candle_core::{Result, Tensor};

use super::conv::{check, conv, enter};
use super::layer_norm::layer_norm;
use crate::cuda::fused::conv_norm as fused;
use crate::cuda::fused::conv_norm::ConvNormParameters;
use crate::shape::{Axis, ConvShape};

/// `layer_norm(conv(x))`; shapes as for [`conv`].
pub(crate) fn conv_then_norm(x: &Tensor, parameters: ConvNormParameters, axes: &[Axis], eps: f64) -> Result<Tensor> {
    let ConvNormParameters { weight, bias, scale, shift } = parameters;
    match fused_shape(x, &parameters, axes)? {
        Some(shape) => fused::conv_then_norm(&x.contiguous()?, parameters, shape, eps),
        None => layer_norm(&conv(x, weight, bias, axes)?, scale, shift, eps),
    }
}

/// `conv(layer_norm(x))`; shapes as for [`conv`].
pub(crate) fn norm_then_conv(x: &Tensor, parameters: ConvNormParameters, axes: &[Axis], eps: f64) -> Result<Tensor> {
    let ConvNormParameters { weight, bias, scale, shift } = parameters;
    match fused_shape(x, &parameters, axes)? {
        Some(shape) => fused::norm_then_conv(&x.contiguous()?, parameters, shape, eps),
        None => conv(&layer_norm(x, scale, shift, eps)?, weight, bias, axes),
    }
}

/// The shape of the convolution, if both operations are one on the device of x.
fn fused_shape(x: &Tensor, parameters: &ConvNormParameters, axes: &[Axis]) -> Result<Option<ConvShape>> {
    let &[time, height, width] = axes else { return Ok(None) };
    if x.device().is_cpu() {
        return Ok(None);
    }
    check(x, parameters.weight, axes)?;
    enter([x, parameters.weight, parameters.bias], [time, height, width]).map(Some)
}
