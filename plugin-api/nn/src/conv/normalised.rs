//! A convolution of three axes with a layer normalisation behind it or before it: on the CPU two operations, on a GPU one.
//!
//! What lies between the two is as large as a field of full resolution. The graph would clear a tensor of that size for its
//! gradient, and add to it.

use candle_core::{Result, Tensor, bail};

use super::kernel::Convolution;
use super::on_gpu::{Pass, samples};
use super::{Conv, OP, check, enter};
use crate::cuda::{Composite, norm};
use crate::gradients::Joined;
use crate::norm::LayerNorm;

impl Conv {
    /// What `norm` makes of the convolution of x.
    pub(crate) fn forward_then(&self, norm: &LayerNorm, x: &Tensor) -> Result<Tensor> {
        match self.on_gpu(x)? {
            Some(form) => conv_then_norm(&x.contiguous()?, self.and(norm), form, samples(&form), norm.eps()),
            None => norm.forward(&self.forward(x)?),
        }
    }

    /// The convolution of what `norm` makes of x.
    pub(crate) fn forward_behind(&self, norm: &LayerNorm, x: &Tensor) -> Result<Tensor> {
        match self.on_gpu(x)? {
            Some(form) => norm_then_conv(&x.contiguous()?, self.and(norm), form, samples(&form), norm.eps()),
            None => self.forward(&norm.forward(x)?),
        }
    }

    /// The convolution, if both layers are one operation on the device of x.
    fn on_gpu(&self, x: &Tensor) -> Result<Option<Convolution>> {
        let &[time, height, width] = self.axes.as_slice() else { return Ok(None) };
        if x.device().is_cpu() {
            return Ok(None);
        }
        check(x, &self.weight, &self.axes)?;
        enter([x, &self.weight, &self.bias], [time, height, width]).map(Some)
    }

    fn and<'a>(&'a self, norm: &'a LayerNorm) -> Parameters<'a> {
        let [scale, shift] = norm.tensors();
        Parameters { weight: &self.weight, bias: &self.bias, scale, shift }
    }
}

/// Those of a convolution and of a normalisation.
struct Parameters<'a> {
    weight: &'a Tensor,
    bias: &'a Tensor,
    scale: &'a Tensor,
    shift: &'a Tensor,
}

impl Parameters<'_> {
    /// All but the convolution's weight, one behind the other.
    fn others(&self, channels: usize) -> Result<Joined> {
        if self.scale.dims() != [channels] || self.shift.dims() != [channels] {
            let got = [self.scale.dims(), self.shift.dims()];
            bail!("{OP}: expected a normalisation of {channels} channels, got weight and bias {got:?}");
        }
        Joined::new(&[self.bias, self.scale, self.shift])
    }
}

/// `layer_norm(conv(x))`, the convolution made in chunks of so many samples.
fn conv_then_norm(x: &Tensor, all: Parameters, form: Convolution, samples: usize, eps: f64) -> Result<Tensor> {
    let (dx_wanted, others, scale) = (x.track_op(), all.others(form.filters)?, all.scale.detach());
    let argument = others.argument.clone();
    let pass = Pass::new([x, all.weight], form, samples, dx_wanted)?;
    let convolved = pass.forward(all.bias)?;
    let last = norm::forward(OP, convolved.dims(), eps)?;
    let inputs = [&convolved.clone(), all.scale, all.shift];
    let backward = move |gradient: &Tensor| {
        let plan = norm::backward(OP, convolved.dims(), eps)?;
        let [dconvolved, dnorm] = plan.outputs_on([&convolved, &scale, gradient])?;
        let [dweight, dbias] = pass.parameters(&dconvolved)?;
        let dx = if dx_wanted { Some(pass.input(&dconvolved)?) } else { None };
        Ok([dx, Some(dweight), Some(others.gradient(Tensor::cat(&[dbias, dnorm.flatten_all()?], 0)?)?)])
    };
    x.apply_op3(all.weight, &argument, Composite::new(last, inputs, backward))
}

/// `conv(layer_norm(x))`, the convolution made in chunks of so many samples.
fn norm_then_conv(x: &Tensor, all: Parameters, form: Convolution, samples: usize, eps: f64) -> Result<Tensor> {
    let (dx_wanted, others, scale) = (x.track_op(), all.others(form.window.channels)?, all.scale.detach());
    let argument = others.argument.clone();
    let input = x.detach();
    let normalised = norm::forward(OP, x.dims(), eps)?.on([&input, all.scale, all.shift])?;
    let pass = Pass::new([&normalised, all.weight], form, samples, true)?;
    let (last, inputs) = pass.last(all.bias)?;
    let backward = move |gradient: &Tensor| {
        let [dweight, dbias] = pass.parameters(gradient)?;
        let plan = norm::backward(OP, input.dims(), eps)?;
        let [dx, dnorm] = plan.outputs_on([&input, &scale, &pass.input(gradient)?])?;
        let dothers = others.gradient(Tensor::cat(&[dbias, dnorm.flatten_all()?], 0)?)?;
        Ok([dx_wanted.then_some(dx), Some(dweight), Some(dothers)])
    };
    x.apply_op3(all.weight, &argument, Composite::new(last, &inputs, backward))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::{Axis, patches::Window};
    use crate::cuda::emulation::composite_agrees;
    use crate::{conv, layer_norm};

    fn form(dims: [usize; 5], axes: [Axis; 3], filters: usize) -> Convolution {
        let [batch, t, h, w, channels] = dims;
        let size = [t, h, w];
        let outputs = [0, 1, 2].map(|i| axes[i].outputs(size[i]).unwrap());
        Convolution { window: Window { axes, size, outputs, channels }, batch, filters }
    }

    #[test]
    fn agree_with_the_two_layers_on_the_cpu_and_so_do_all_gradients() -> Result<()> {
        // In two chunks and in one.
        let stem = [Axis::same(1), Axis::same(4), Axis::same(4)];
        for (dims, axes, filters, samples) in
            [([3, 2, 6, 5, 4], stem, 16, 2), ([2, 4, 6, 5, 3], [Axis::patches(2); 3], 7, 2)]
        {
            let (form, channels, [kt, kh, kw]) = (form(dims, axes, filters), dims[4], axes.map(|axis| axis.kernel));
            let weight = [filters, channels, kt, kh, kw];
            composite_agrees(
                &format!("{dims:?} with {axes:?}, then normalised"),
                [&dims, &weight, &[filters], &[filters], &[filters]],
                |[x, weight, bias, scale, shift]| layer_norm(&conv(x, weight, bias, &axes)?, scale, shift, 1e-6),
                |[x, weight, bias, scale, shift]| {
                    conv_then_norm(x, Parameters { weight, bias, scale, shift }, form, samples, 1e-6)
                },
            )?;
            composite_agrees(
                &format!("{dims:?} normalised, then with {axes:?}"),
                [&dims, &weight, &[filters], &[channels], &[channels]],
                |[x, weight, bias, scale, shift]| conv(&layer_norm(x, scale, shift, 1e-6)?, weight, bias, &axes),
                |[x, weight, bias, scale, shift]| {
                    norm_then_conv(x, Parameters { weight, bias, scale, shift }, form, samples, 1e-6)
                },
            )?;
        }
        Ok(())
    }

    #[test]
    fn a_stem_whose_input_needs_no_gradient_agrees_too() -> Result<()> {
        let (dims, axes) = ([2, 2, 6, 5, 4], [Axis::same(1), Axis::same(4), Axis::same(4)]);
        let form = form(dims, axes, 16);
        // The same, with a gradient of zero.
        let reach = |y: Tensor, x: &Tensor| y.broadcast_add(&(x.sum_all()? - x.sum_all()?)?);
        composite_agrees(
            "a stem",
            [&dims, &[16, 4, 1, 4, 4], &[16], &[16], &[16]],
            |[x, weight, bias, scale, shift]| {
                reach(layer_norm(&conv(&x.detach(), weight, bias, &axes)?, scale, shift, 1e-6)?, x)
            },
            |[x, weight, bias, scale, shift]| {
                reach(conv_then_norm(&x.detach(), Parameters { weight, bias, scale, shift }, form, 2, 1e-6)?, x)
            },
        )
    }
}
