//! Plans of optim.cu: what AdamW changes in place, on tensors of f32.

use candle_core::Result;

use super::Argument::{Input, Number};
use super::Kind::Float;
use super::{Plan, grid_over_each, size};

/// A kernel that changes input 0, reads input 1, and takes numbers.
fn change(op: &'static str, kernel: &'static str, count: usize, numbers: &[f64]) -> Result<Plan> {
    let mut arguments = vec![Input(0), Input(1), size(count)?];
    arguments.extend(numbers.iter().map(|&number| Number(number as f32)));
    Plan::new(op, &[Float, Float], Float, ()).launch(kernel, grid_over_each(count), arguments)
}

/// Moments `(2, count)` by a gradient.
pub(crate) fn moments(op: &'static str, count: usize, beta1: f64, beta2: f64) -> Result<Plan> {
    change(op, "adamw_moments", count, &[1.0 - beta1, beta2, 1.0 - beta2])
}

/// A parameter by its moments.
pub(crate) fn parameter(op: &'static str, count: usize, [shrink, rate, root_bias, eps]: [f64; 4]) -> Result<Plan> {
    change(op, "adamw_parameter", count, &[shrink, rate, root_bias, eps])
}
