//! The transformer block.

use candle_core::{DType, Device, Result, Tensor};

use super::support::fused_agrees;
use crate::cuda::fused::transformer::{Block, transformer_block};
use crate::layers::TransformerBlock;
use crate::ops::{gelu, layer_norm, linear, self_attention};
use crate::params::Params;
use crate::rng::Rng;

#[test]
fn agrees_with_the_block_on_the_cpu_and_so_do_all_gradients() -> Result<()> {
    for (batch, tokens, dim, heads) in [(2, 5, 12, 3), (1, 33, 8, 2)] {
        let count = 12 * dim * dim + 12 * dim;
        let block = Block { heads, eps: 1e-6 };
        // Small parameters, so that the branches do not dominate the input.
        let small = |parameters: &Tensor| parameters * 0.25;
        fused_agrees(
            &format!("{tokens} tokens of {dim}"),
            [&[batch, tokens, dim], &[count]],
            |[x, parameters]| reference(x, &small(parameters)?, block),
            |[x, parameters]| transformer_block(x, (&small(parameters)?).into(), block),
        )?;
    }
    Ok(())
}

/// The block, composed of operations on the CPU.
fn reference(x: &Tensor, parameters: &Tensor, block: Block) -> Result<Tensor> {
    let dim = x.dims()[2];
    let mut at = 0;
    let mut next = |shape: &[usize]| {
        let count: usize = shape.iter().product();
        at += count;
        parameters.narrow(0, at - count, count)?.reshape(shape)
    };
    let normalised = layer_norm(x, &next(&[dim])?, &next(&[dim])?, block.eps)?;
    let (weight, q, v) = (next(&[3 * dim, dim])?, next(&[dim])?, next(&[dim])?);
    let qkv = linear(&normalised, &weight, &Tensor::cat(&[&q, &q.zeros_like()?, &v], 0)?)?;
    let read = self_attention(&qkv, None, block.heads)?;
    let x = (x + linear(&read, &next(&[dim, dim])?, &next(&[dim])?)?)?;
    let inside = layer_norm(&x, &next(&[dim])?, &next(&[dim])?, block.eps)?;
    let wide = gelu(&linear(&inside, &next(&[4 * dim, dim])?, &next(&[4 * dim])?)?)?;
    &x + linear(&wide, &next(&[dim, 4 * dim])?, &next(&[dim])?)?
}

/// A layer concatenates its parameters in the order in which they are taken.
#[test]
fn parameters_are_concatenated_in_order() -> Result<()> {
    let params = Params::new(DType::F64, &Device::Cpu, 0);
    let own = TransformerBlock::new(12, 3, 1e-6, params.clone())?;
    for (name, var) in params.named() {
        // The initial zeros and ones of biases and norms would hide a wrong order.
        let values = Rng::new(1, &name, 0).normal(var.shape(), DType::F64, &Device::Cpu)?;
        var.set(&(values * 0.25)?)?;
    }
    let x = Rng::new(2, "x", 0).normal((2, 5, 12), DType::F64, &Device::Cpu)?;
    let difference = (own.forward(&x)? - reference(&x, &own.parameters()?.values, own.block())?)?.abs()?.max_all()?;
    assert!(difference.to_scalar::<f64>()? < 1e-12, "{difference}");
    Ok(())
}
