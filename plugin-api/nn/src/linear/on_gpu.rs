//! The fully connected layer on a GPU, in one operation of the graph.

use candle_core::{Result, Tensor};

use super::OP;
use crate::cuda::{Composite, pointwise, sums};

/// `x (rows, in)`, `weight (out, in)` and `bias (out)` to `(rows, out)`.
pub(super) fn linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (input, factor) = (x.detach(), weight.detach().to_dtype(x.dtype())?);
    let product = input.matmul(&factor.t()?)?;
    let last = pointwise::bias(OP, product.dims())?;
    let dx_wanted = x.track_op();
    let backward = move |gradient: &Tensor| {
        let dx = if dx_wanted { Some(gradient.matmul(&factor)?) } else { None };
        let dbias = sums::columns(OP, gradient.dims())?.on([gradient])?;
        let dweight = gradient.t()?.matmul(&input)?.to_dtype(dbias.dtype())?;
        Ok([dx, Some(dweight), Some(dbias)])
    };
    x.apply_op3(weight, bias, Composite::new(last, [&product, bias], backward))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cuda::emulation::composite_agrees;

    #[test]
    fn agrees_with_the_layer_on_the_cpu_and_so_do_all_gradients() -> Result<()> {
        for (rows, inputs, outputs) in [(7, 5, 3), (200, 33, 40), (1, 1, 1)] {
            composite_agrees(
                &format!("{rows} rows of {inputs} to {outputs}"),
                [&[rows, inputs], &[outputs, inputs], &[outputs]],
                |[x, weight, bias]| crate::linear(x, weight, bias),
                |[x, weight, bias]| linear(x, weight, bias),
            )?;
        }
        Ok(())
    }
}
