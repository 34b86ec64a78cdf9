//! Plans of convnext_mlp.cu: the part of a ConvNeXt block after its convolution in one kernel, for few channels.

use candle_core::Result;

use super::sums::Chunks;
use crate::cuda::plan::Argument::{Input, Output, Scalar, Scratch};
use crate::cuda::plan::Kind::{Element, Float};
use crate::cuda::plan::{LANES, Plan, grid_over, grid_over_each, rows_of, size};

/// Warps of a block; `MLP_WARPS` in convnext_mlp.cu.
const WARPS: usize = 4;
/// Rows of a tile; a warp computes one tile at a time, or two; `TILE_ROWS` there.
const TILE_ROWS: usize = 16;
/// Rows that a block computes at a time.
const ROWS: usize = WARPS * TILE_ROWS;
/// Most blocks of a launch: 12 per multiprocessor of an H100, on every GPU, so that sums are the same on all.
const MAX_BLOCKS: usize = 12 * 132;

/// The kernels for one channel count.
struct Kernels {
    forward: &'static str,
    backward: &'static str,
    /// Warps that share their rows; `TEAM` in convnext_mlp.cu.
    team: usize,
}

fn kernels(channels: usize) -> Option<Kernels> {
    match channels {
        8 => Some(Kernels { forward: "mlp_8_forward", backward: "mlp_8_backward", team: 1 }),
        16 => Some(Kernels { forward: "mlp_16_forward", backward: "mlp_16_backward", team: 1 }),
        32 => Some(Kernels { forward: "mlp_32_forward", backward: "mlp_32_backward", team: WARPS }),
        _ => None,
    }
}

/// Bytes of shared memory of the forward kernel: the weights, and all other parameters.
fn shared_forward(channels: usize) -> usize {
    4 * (2 * 4 * channels * channels + 8 * channels)
}

/// Bytes of shared memory of the backward kernel: the weights, one of them in two layouts, the other parameters, and
/// the current rows of the block.
fn shared_backward(channels: usize, team: usize) -> usize {
    4 * (3 * 4 * channels * channels + 7 * channels + 2 * ROWS * (channels + 4) + 2 * team * ROWS * 12)
}

/// `x + gamma (narrow gelu(wide norm(y)))`, from y `(.., C)`, x of the same shape, and the concatenated parameters.
/// `None` if there is no kernel for this channel count.
pub(crate) fn forward(op: &'static str, y: &[usize], eps: f64) -> Result<Option<Plan>> {
    let [rows, channels] = rows_of(y);
    let Some(kernels) = kernels(channels) else { return Ok(None) };
    let chunks = Chunks::in_units(rows, 2 * ROWS, 4, 16 * MAX_BLOCKS);
    let sizes = [size(rows)?, size(chunks.rows)?, Scalar(eps as f32)];
    let arguments = [vec![Input(0), Input(1), Input(2), Output(0, 0)], sizes.to_vec()].concat();
    let plan = Plan::new(op, &[Element, Element, Float], Element, y);
    plan.launch_blocks(kernels.forward, [chunks.count, 1, 1], [LANES, WARPS, 1], shared_forward(channels), arguments)
        .map(Some)
}

/// The gradients of y and of the concatenated parameters, from y, the gradient of the result, and the parameters.
pub(crate) fn backward(op: &'static str, y: &[usize], eps: f64) -> Result<Option<Plan>> {
    let [rows, c] = rows_of(y);
    let Some(kernels) = kernels(c) else { return Ok(None) };
    let chunks = Chunks::in_units(rows, ROWS, 4, MAX_BLOCKS);
    let (stride, parameters) = (8 * c * c + 5 * c, 8 * c * c + 8 * c);
    let mut plan = Plan::new(op, &[Element, Element, Float], Element, y).and(Float, parameters);
    let teams = Chunks { count: chunks.count * WARPS / kernels.team, ..chunks };
    let (partials, sums) = (teams.partials(&mut plan, stride), plan.reserve(stride));
    let sizes = [size(rows)?, size(chunks.rows)?, Scalar(eps as f32)];
    let arguments = [vec![Input(0), Input(1), Input(2), Output(0, 0), Scratch(partials.at)], sizes.to_vec()].concat();
    let grid = [chunks.count, 1, 1];
    let plan =
        plan.launch_blocks(kernels.backward, grid, [LANES, WARPS, 1], shared_backward(c, kernels.team), arguments)?;
    let (plan, partials) = plan.add_groups(partials)?;
    plan.add_partials(partials, 0, [1, stride], Scratch(sums))?
        .launch("mlp_parameters", grid_over_each(parameters), vec![Scratch(sums), Input(2), Output(1, 0), size(c)?])
        .map(Some)
}

/// The gradients of the narrow layer's weight `(C, 4 C)` and bias and of gamma, concatenated, for `channels` channels:
/// from the products of activations and gradient `(4 C, C)`, the gradient's sums `(C)`, that weight, and bias and
/// gamma.
pub(crate) fn end_parameters(op: &'static str, channels: usize) -> Result<Plan> {
    let count = (4 * channels + 2) * channels;
    let arguments = vec![Input(0), Input(1), Input(2), Input(3), Output(0, 0), size(channels)?];
    Plan::new(op, &[Float; 4], Float, count).launch("mlp_end_parameters", grid_over(channels), arguments)
}
