//! Plans of squared_error.cu: the sum of squared differences and its gradient.

use candle_core::Result;

use super::sums::Chunks;
use crate::cuda::plan::Argument::{Input, Output, Scratch};
use crate::cuda::plan::Kind::{Element, Float};
use crate::cuda::plan::{MAX_CHUNKS, Plan, grid_over_each, size};

/// Fewest elements per chunk.
const LEAST: usize = 8 * 256;

/// The sum `(1)` of the squared differences of two tensors of one shape.
pub(crate) fn sum(op: &'static str, shape: &[usize]) -> Result<Plan> {
    let count = shape.iter().product();
    let mut plan = Plan::new(op, &[Element, Element], Float, 1);
    let chunks = Chunks::of(count, LEAST, MAX_CHUNKS);
    let sums = chunks.partials(&mut plan, 1);
    let arguments = vec![Input(0), Input(1), Scratch(sums.at), size(count)?, size(chunks.rows)?];
    let (plan, sums) = plan.launch("squared_error_partials", [1, chunks.count, 1], arguments)?.add_groups(sums)?;
    plan.add_partials(sums, 0, [1, 1], Output(0, 0))
}

/// The gradient of the first tensor from both and the gradient of the sum, `(1)`.
pub(crate) fn backward(op: &'static str, shape: &[usize]) -> Result<Plan> {
    let count = shape.iter().product();
    let arguments = vec![Input(0), Input(1), Input(2), Output(0, 0), size(count)?];
    let plan = Plan::new(op, &[Element, Element, Float], Element, shape);
    plan.launch("squared_error_backward", grid_over_each(count), arguments)
}
