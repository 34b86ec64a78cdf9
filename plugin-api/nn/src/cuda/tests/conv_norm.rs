//! A convolution with a layer normalisation after it or before it.

use candle_core::{Result, Tensor};

use super::support::fused_agrees;
use crate::cuda::fused::conv_norm::{ConvNormParameters, conv_then_norm_in_chunks, norm_then_conv_in_chunks};
use crate::ops::{conv, layer_norm};
use crate::shape::{Axis, ConvShape, Window};

fn conv_shape(dims: [usize; 5], axes: [Axis; 3], filters: usize) -> ConvShape {
    let [batch, t, h, w, channels] = dims;
    ConvShape { window: Window::new(axes, [t, h, w], channels).unwrap(), batch, filters }
}

#[test]
fn agree_with_the_two_layers_on_the_cpu_and_so_do_all_gradients() -> Result<()> {
    // In two chunks and in one.
    let stem = [Axis::same(1), Axis::same(4), Axis::same(4)];
    for (dims, axes, filters, samples) in
        [([3, 2, 6, 5, 4], stem, 16, 2), ([2, 4, 6, 5, 3], [Axis::patches(2); 3], 7, 2)]
    {
        let (shape, channels, [kt, kh, kw]) = (conv_shape(dims, axes, filters), dims[4], axes.map(|axis| axis.kernel));
        let weight = [filters, channels, kt, kh, kw];
        fused_agrees(
            &format!("{dims:?} with {axes:?}, then normalised"),
            [&dims, &weight, &[filters], &[filters], &[filters]],
            |[x, weight, bias, scale, shift]| layer_norm(&conv(x, weight, bias, &axes)?, scale, shift, 1e-6),
            |[x, weight, bias, scale, shift]| {
                conv_then_norm_in_chunks(x, ConvNormParameters { weight, bias, scale, shift }, shape, samples, 1e-6)
            },
        )?;
        fused_agrees(
            &format!("{dims:?} normalised, then with {axes:?}"),
            [&dims, &weight, &[filters], &[channels], &[channels]],
            |[x, weight, bias, scale, shift]| conv(&layer_norm(x, scale, shift, 1e-6)?, weight, bias, &axes),
            |[x, weight, bias, scale, shift]| {
                norm_then_conv_in_chunks(x, ConvNormParameters { weight, bias, scale, shift }, shape, samples, 1e-6)
            },
        )?;
    }
    Ok(())
}

#[test]
fn a_stem_whose_input_needs_no_gradient_agrees_too() -> Result<()> {
    let (dims, axes) = ([2, 2, 6, 5, 4], [Axis::same(1), Axis::same(4), Axis::same(4)]);
    let shape = conv_shape(dims, axes, 16);
    // Adds a path to x whose gradient is zero.
    let reach = |y: Tensor, x: &Tensor| y.broadcast_add(&(x.sum_all()? - x.sum_all()?)?);
    fused_agrees(
        "a stem",
        [&dims, &[16, 4, 1, 4, 4], &[16], &[16], &[16]],
        |[x, weight, bias, scale, shift]| {
            reach(layer_norm(&conv(&x.detach(), weight, bias, &axes)?, scale, shift, 1e-6)?, x)
        },
        |[x, weight, bias, scale, shift]| {
            reach(
                conv_then_norm_in_chunks(
                    &x.detach(),
                    ConvNormParameters { weight, bias, scale, shift },
                    shape,
                    2,
                    1e-6,
                )?,
                x,
            )
        },
    )
}
