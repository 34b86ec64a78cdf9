//! The fully connected layer.

use candle_core::{Result, Tensor};

use crate::cuda::composite::Composite;
use crate::cuda::plans::{pointwise, sums};

const OP: &str = "linear";

/// `x (rows, in)`, `weight (out, in)` and `bias (out)` to `(rows, out)`.
pub(crate) fn linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
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
