//! Plans of layer_norm.cu: layer normalisation of `x (.., C)`.

use candle_core::Result;

use super::sums::Chunks;
use crate::cuda::plan::Argument::{Input, Output, Scalar, Scratch};
use crate::cuda::plan::Kind::{Element, Float};
use crate::cuda::plan::{LANES, MAX_CHUNKS, Plan, ROWS, grid_over, rows_of, size};

/// Channels of a row per thread, for rows that fit a warp; `PACK` in layer_norm.cu.
const PACK: usize = 4;

/// Rows per warp if each thread holds [`PACK`] channels; `None` if a row does not fit a warp.
fn packed(channels: usize) -> Option<usize> {
    let lanes = channels / PACK;
    (channels.is_multiple_of(PACK) && lanes.is_power_of_two() && lanes <= LANES).then(|| LANES / lanes)
}

/// From x, weight and bias.
pub(crate) fn forward(op: &'static str, x: &[usize], eps: f64) -> Result<Plan> {
    let [rows, channels] = rows_of(x);
    let arguments = vec![Input(0), Input(1), Input(2), Output(0, 0), size(rows)?, size(channels)?, Scalar(eps as f32)];
    let plan = Plan::new(op, &[Element, Float, Float], Element, x);
    match packed(channels) {
        Some(beside) => plan.launch("layer_norm_packed_forward", grid_over(rows.div_ceil(beside)), arguments),
        None => plan.launch("layer_norm_forward", grid_over(rows), arguments),
    }
}

/// The gradients of x, and of weight and bias `(2, C)`, from x, weight and the gradient of the result.
pub(crate) fn backward(op: &'static str, x: &[usize], eps: f64) -> Result<Plan> {
    let [rows, channels] = rows_of(x);
    let mut plan = Plan::new(op, &[Element, Float, Element], Element, x).and(Float, (2, channels));
    let all = vec![Input(0), Input(1), Input(2), Output(0, 0)];
    let (rows_of_all, eps) = ([size(rows)?, size(channels)?], Scalar(eps as f32));
    if let Some(beside) = packed(channels) {
        let chunks = Chunks::of(rows, ROWS * beside, MAX_CHUNKS);
        let sums = chunks.partials(&mut plan, 2 * channels);
        let sizes = [&[Scratch(sums.at)], &rows_of_all[..], &[size(chunks.rows)?, eps]].concat();
        let arguments = [all, sizes].concat();
        let (plan, sums) =
            plan.launch("layer_norm_packed_backward", [1, chunks.count, 1], arguments)?.add_groups(sums)?;
        return plan.add_partials(sums, 0, [1, 2 * channels], Output(1, 0));
    }
    let moments = Scratch(plan.reserve(2 * rows));
    let sizes = [&rows_of_all[..], &[eps]].concat();
    plan.launch("layer_norm_backward", grid_over(rows), [&all[..], &sizes].concat())?
        .launch("layer_norm_moments", grid_over(rows), [&[Input(0), moments.clone()][..], &sizes].concat())?
        .sum_rows(
            "layer_norm_partials",
            [rows, channels],
            2,
            |partials| vec![Input(0), Input(2), moments, partials],
            Output(1, 0),
        )
}
