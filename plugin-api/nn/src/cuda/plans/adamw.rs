//! The plan of adamw.cu: one step of AdamW, in place, in f32.

use candle_core::Result;

use crate::cuda::plan::Argument::{Input, Scalar};
use crate::cuda::plan::Kind::Float;
use crate::cuda::plan::{Plan, grid_over_each, size};

/// Updates input 0, a parameter of `count` elements, and input 1, its moments `(2, count)`, with input 2, its gradient.
/// `moments` are `1 - beta1`, `beta2` and `1 - beta2`; `update` are `shrink`, `rate`, `root_bias` and `eps` of the
/// update of the parameter.
pub(crate) fn adamw(op: &'static str, count: usize, moments: [f64; 3], update: [f64; 4]) -> Result<Plan> {
    let scalars = moments.iter().chain(&update).map(|&value| Scalar(value as f32));
    let arguments = [Input(0), Input(1), Input(2), size(count)?].into_iter().chain(scalars).collect();
    let plan = Plan { op, inputs: vec![Float; 3], outputs: Vec::new(), scratch: 0, launches: Vec::new() };
    plan.launch("adamw", grid_over_each(count), arguments)
}
