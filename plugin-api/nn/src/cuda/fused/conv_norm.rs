//! A convolution of three axes with a layer normalisation after it or before it.
//!
//! The tensor between the two has full resolution. As separate nodes, the graph would clear a tensor of that size for
//! its gradient, and add to it.

use candle_core::{Result, Tensor, bail};

use super::conv::{Pass, samples_per_chunk};
use crate::cuda::composite::Composite;
use crate::cuda::handover::Joined;
use crate::cuda::plans::layer_norm;
use crate::shape::ConvShape;

const OP: &str = "conv";

/// The parameters of a convolution and of a layer normalisation.
pub(crate) struct ConvNormParameters<'a> {
    pub(crate) weight: &'a Tensor,
    pub(crate) bias: &'a Tensor,
    pub(crate) scale: &'a Tensor,
    pub(crate) shift: &'a Tensor,
}

impl ConvNormParameters<'_> {
    /// All but the weight of the convolution, concatenated.
    fn others(&self, channels: usize) -> Result<Joined> {
        if self.scale.dims() != [channels] || self.shift.dims() != [channels] {
            let got = [self.scale.dims(), self.shift.dims()];
            bail!("{OP}: expected a normalisation of {channels} channels, got weight and bias {got:?}");
        }
        Joined::new(&[self.bias, self.scale, self.shift])
    }
}

/// `layer_norm(conv(x))`.
pub(crate) fn conv_then_norm(x: &Tensor, all: ConvNormParameters, shape: ConvShape, eps: f64) -> Result<Tensor> {
    conv_then_norm_in_chunks(x, all, shape, samples_per_chunk(&shape), eps)
}

/// The same, `samples` samples at a time.
pub(in crate::cuda) fn conv_then_norm_in_chunks(
    x: &Tensor,
    all: ConvNormParameters,
    shape: ConvShape,
    samples: usize,
    eps: f64,
) -> Result<Tensor> {
    let (dx_wanted, others, scale) = (x.track_op(), all.others(shape.filters)?, all.scale.detach());
    let argument = others.argument.clone();
    let pass = Pass::new([x, all.weight], shape, samples, dx_wanted)?;
    let convolved = pass.forward(all.bias)?;
    let last = layer_norm::forward(OP, convolved.dims(), eps)?;
    let inputs = [&convolved.clone(), all.scale, all.shift];
    let backward = move |gradient: &Tensor| {
        let plan = layer_norm::backward(OP, convolved.dims(), eps)?;
        let [dconvolved, dnorm] = plan.outputs_on([&convolved, &scale, gradient])?;
        let [dweight, dbias] = pass.parameters(&dconvolved)?;
        let dx = if dx_wanted { Some(pass.input(&dconvolved)?) } else { None };
        Ok([dx, Some(dweight), Some(others.gradient(Tensor::cat(&[dbias, dnorm.flatten_all()?], 0)?)?)])
    };
    x.apply_op3(all.weight, &argument, Composite::new(last, inputs, backward))
}

/// `conv(layer_norm(x))`.
pub(crate) fn norm_then_conv(x: &Tensor, all: ConvNormParameters, shape: ConvShape, eps: f64) -> Result<Tensor> {
    norm_then_conv_in_chunks(x, all, shape, samples_per_chunk(&shape), eps)
}

/// The same, `samples` samples at a time.
pub(in crate::cuda) fn norm_then_conv_in_chunks(
    x: &Tensor,
    all: ConvNormParameters,
    shape: ConvShape,
    samples: usize,
    eps: f64,
) -> Result<Tensor> {
    let (dx_wanted, others, scale) = (x.track_op(), all.others(shape.window.channels)?, all.scale.detach());
    let argument = others.argument.clone();
    let input = x.detach();
    let normalised = layer_norm::forward(OP, x.dims(), eps)?.on([&input, all.scale, all.shift])?;
    let pass = Pass::new([&normalised, all.weight], shape, samples, true)?;
    let (last, inputs) = pass.last(all.bias)?;
    let backward = move |gradient: &Tensor| {
        let [dweight, dbias] = pass.parameters(gradient)?;
        let plan = layer_norm::backward(OP, input.dims(), eps)?;
        let [dx, dnorm] = plan.outputs_on([&input, &scale, &pass.input(gradient)?])?;
        let dothers = others.gradient(Tensor::cat(&[dbias, dnorm.flatten_all()?], 0)?)?;
        Ok([dx_wanted.then_some(dx), Some(dweight), Some(dothers)])
    };
    x.apply_op3(all.weight, &argument, Composite::new(last, &inputs, backward))
}
