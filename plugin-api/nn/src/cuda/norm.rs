//! Plans of norm.cu: layer normalisation of `x (.., C)`.

use candle_core::Result;

use super::Argument::{Input, Number, Output, Scratch};
use super::Kind::{Element, Float};
use super::{Plan, grid_over, rows_of, size};

/// From x, weight and bias.
pub(crate) fn forward(op: &'static str, x: &[usize], eps: f64) -> Result<Plan> {
    let [rows, channels] = rows_of(x);
    let arguments = vec![Input(0), Input(1), Input(2), Output(0), size(rows)?, size(channels)?, Number(eps as f32)];
    Plan::new(op, &[Element, Float, Float], Element, x).launch("layer_norm_forward", grid_over(rows), arguments)
}

/// The gradient of x, from x, weight and that of the result.
pub(crate) fn backward(op: &'static str, x: &[usize], eps: f64) -> Result<Plan> {
    let [rows, channels] = rows_of(x);
    let arguments = vec![Input(0), Input(1), Input(2), Output(0), size(rows)?, size(channels)?, Number(eps as f32)];
    Plan::new(op, &[Element, Float, Element], Element, x).launch("layer_norm_backward", grid_over(rows), arguments)
}

/// The gradients of weight and bias, `(2, C)`, from x and that of the result.
pub(crate) fn parameters(op: &'static str, x: &[usize], eps: f64) -> Result<Plan> {
    let [rows, channels] = rows_of(x);
    let mut plan = Plan::new(op, &[Element, Element], Float, (2, channels));
    let moments = plan.reserve(2 * rows);
    let arguments = vec![Input(0), Scratch(moments), size(rows)?, size(channels)?, Number(eps as f32)];
    plan.launch("layer_norm_moments", grid_over(rows), arguments)?.sum_rows(
        "layer_norm_partials",
        [rows, channels],
        2,
        |partials| vec![Input(0), Input(1), Scratch(moments), partials],
        0,
    )
}
