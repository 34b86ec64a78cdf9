//! The plan of optim.cu: what AdamW changes in place, on tensors of f32.

use candle_core::Result;

use super::Argument::{Input, Number};
use super::Kind::Float;
use super::{Plan, grid_over_each, size};

/// Changes input 0, a parameter of `count` elements, and input 1, its moments `(2, count)`, by input 2, its gradient. The
/// first numbers are the rate of the mean, the share of the squares' mean that is kept, and the rate of that; the others
/// shrink, rate, root_bias and eps of the parameter's update.
pub(crate) fn adamw(op: &'static str, count: usize, moments: [f64; 3], update: [f64; 4]) -> Result<Plan> {
    let numbers = moments.iter().chain(&update).map(|&number| Number(number as f32));
    let arguments = [Input(0), Input(1), Input(2), size(count)?].into_iter().chain(numbers).collect();
    let plan = Plan { op, inputs: vec![Float; 3], outputs: Vec::new(), scratch: 0, launches: Vec::new() };
    plan.launch("adamw", grid_over_each(count), arguments)
}
