//! Plans of pointwise.cu: element-wise operations on `x (.., C)`.

use candle_core::Result;

use crate::cuda::plan::Argument::{Input, Output};
use crate::cuda::plan::Kind::{Element, Float};
use crate::cuda::plan::{Kind, Plan, grid_over, rows_of, size};

/// A kernel that takes these inputs; the result has the shape of `x`.
fn each(op: &'static str, kernel: &'static str, inputs: &[Kind], x: &[usize]) -> Result<Plan> {
    let [rows, channels] = rows_of(x);
    let mut arguments: Vec<_> = (0..inputs.len()).map(Input).collect();
    arguments.extend([Output(0, 0), size(rows)?, size(channels)?]);
    Plan::new(op, inputs, Element, x).launch(kernel, grid_over(rows), arguments)
}

/// GELU of x.
pub(crate) fn gelu(op: &'static str, x: &[usize]) -> Result<Plan> {
    each(op, "gelu_forward", &[Element], x)
}

/// The gradient of x, from x and the gradient of the result.
pub(crate) fn gelu_backward(op: &'static str, x: &[usize]) -> Result<Plan> {
    each(op, "gelu_backward", &[Element, Element], x)
}

/// The sum of x and bias.
pub(crate) fn bias(op: &'static str, x: &[usize]) -> Result<Plan> {
    each(op, "bias_forward", &[Element, Float], x)
}

/// GELU of the sum of x and bias.
pub(crate) fn bias_gelu(op: &'static str, x: &[usize]) -> Result<Plan> {
    each(op, "bias_gelu_forward", &[Element, Float], x)
}

/// The gradient of x, from x, bias and the gradient of the result.
pub(crate) fn bias_gelu_backward(op: &'static str, x: &[usize]) -> Result<Plan> {
    each(op, "bias_gelu_backward", &[Element, Float, Element], x)
}

/// `x + z + bias`, from all three.
pub(crate) fn shifted_sum(op: &'static str, x: &[usize]) -> Result<Plan> {
    each(op, "shifted_sum_forward", &[Element, Element, Float], x)
}

/// `x + gamma (z + bias)`, from x, z and parameters `(2 C)`: bias, then gamma.
pub(crate) fn residual(op: &'static str, x: &[usize]) -> Result<Plan> {
    each(op, "residual_forward", &[Element, Element, Float], x)
}

/// The gradient of z, from the gradient of the result and the parameters.
pub(crate) fn residual_backward(op: &'static str, x: &[usize]) -> Result<Plan> {
    each(op, "residual_backward", &[Element, Float], x)
}
