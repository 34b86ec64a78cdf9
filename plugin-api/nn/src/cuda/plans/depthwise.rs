//! Plans of depthwise.cu: the depthwise convolution of `x (B, T, H, W, C)` and its gradients.

use candle_core::Result;

use super::sums::Chunks;
use crate::cuda::plan::Argument::{self, Input, Null, Output, Scratch, Size};
use crate::cuda::plan::Kind::{Element, Float};
use crate::cuda::plan::{Kind, LANES, MAX_CHUNKS, Plan, ROWS, grid_over, grid_over_each, size, sizes};
use crate::shape::DepthwiseShape;

/// Height and width of the kernels that work in tiles; `SIDE` in depthwise.cu.
const SIDE: usize = 7;
/// Channels of a block of these; `GROUP` there.
const GROUP: usize = 16;
/// Height and width of a tile of outputs, and of a tile for the gradient of the weight; `TILE_HEIGHT`, `TILE_WIDTH` and
/// `GRADIENT_HEIGHT` there.
const TILE: [usize; 2] = [16, 8];
const GRADIENT_TILE: [usize; 2] = [8, 8];
/// Elements reserved for a row of weights; `WEIGHTS` there.
const WEIGHTS: usize = 8;
/// Fewest tiles per chunk of the sums for the gradient, and most blocks of a launch.
const LEAST_TILES: usize = 4;
const MAX_BLOCKS: usize = 4096;

/// The kernels for one kernel size.
struct Tiled {
    forward: &'static str,
    partials: &'static str,
}

impl DepthwiseShape {
    fn tiled(&self) -> Option<Tiled> {
        match self.kernel {
            [7, SIDE, SIDE] => Some(Tiled { forward: "depthwise_7x7x7", partials: "depthwise_7x7x7_partials" }),
            [1, SIDE, SIDE] => Some(Tiled { forward: "depthwise_7x7", partials: "depthwise_7x7_partials" }),
            _ => None,
        }
    }

    /// The number of tiles of this height and width; each covers all frames.
    fn tiles(&self, [height, width]: [usize; 2]) -> usize {
        let [_, h, w] = self.size;
        self.batch * h.div_ceil(height) * w.div_ceil(width)
    }

    /// Bytes of shared memory of a block that slides along the frames: the rows of weights, and two planes with their
    /// margins, whose rows are 16 elements longer than their positions.
    fn shared(&self) -> usize {
        let [height, width] = TILE.map(|side| side + SIDE - 1);
        let weights = self.kernel[0] * SIDE * WEIGHTS * GROUP;
        4 * (weights + 2 * height * (width * GROUP + 16))
    }

    /// The argument `Field` of the kernels.
    fn field(&self, op: &str) -> Result<Argument> {
        let [t, h, w] = self.size;
        sizes(op, &[t, h, w, self.channels])
    }
}

/// The convolution of x with weight `(C, 1, kt, kh, kw)`, plus bias.
pub(crate) fn forward(op: &'static str, shape: &DepthwiseShape) -> Result<Plan> {
    slide(op, shape, &[Element, Float, Float], [Input(2), Null], false)
}

/// The gradient of x, from the gradient of the result and the weight.
pub(crate) fn backward(op: &'static str, shape: &DepthwiseShape) -> Result<Plan> {
    slide(op, shape, &[Element, Float], [Input(1), Null], true)
}

/// The same, plus a third input: the gradient of a residual connection around the convolution.
pub(crate) fn backward_with_residual(op: &'static str, shape: &DepthwiseShape) -> Result<Plan> {
    slide(op, shape, &[Element, Float, Element], [Input(1), Input(2)], true)
}

/// The convolution; or its gradient, with the taps reversed and no bias. `addend` is added to the result.
fn slide(
    op: &'static str,
    shape: &DepthwiseShape,
    inputs: &[Kind],
    [bias, addend]: [Argument; 2],
    reverse: bool,
) -> Result<Plan> {
    let (taps, channels) = (shape.taps(), shape.channels);
    let mut plan = Plan::new(op, inputs, Element, shape.dims().as_slice());
    let weights = Scratch(plan.reserve((taps + 1) * channels));
    let arguments = vec![Input(1), bias, weights.clone(), size(taps)?, size(channels)?, Size(u32::from(reverse))];
    let plan = plan.launch("depthwise_weights", grid_over_each((taps + 1) * channels), arguments)?;
    let mut arguments = vec![Input(0), weights, addend, Output(0, 0), shape.field(op)?];
    if let Some(tiled) = shape.tiled() {
        let grid = [shape.tiles(TILE), channels.div_ceil(GROUP), 1];
        return plan.launch_blocks(tiled.forward, grid, [LANES, ROWS, 1], shape.shared(), arguments);
    }
    let positions = shape.positions();
    let [kt, kh, kw] = shape.kernel;
    arguments.extend([size(kt)?, size(kh)?, size(kw)?, size(positions)?]);
    plan.launch("depthwise_any", grid_over(positions), arguments)
}

/// The gradients of weight `(C, taps)` and bias `(C)`, concatenated, from x and the gradient of the result.
pub(crate) fn parameters(op: &'static str, shape: &DepthwiseShape) -> Result<Plan> {
    let (taps, channels) = (shape.taps(), shape.channels);
    let field = shape.field(op)?;
    let mut plan = Plan::new(op, &[Element, Element], Float, (taps + 1) * channels);
    let (plan, partials) = if let Some(tiled) = shape.tiled() {
        let (tiles, groups) = (shape.tiles(GRADIENT_TILE), channels.div_ceil(GROUP));
        let chunks = Chunks::of(tiles, LEAST_TILES, (MAX_BLOCKS / groups).max(1));
        let partials = chunks.partials(&mut plan, (taps + 1) * channels);
        let arguments = vec![Input(0), Input(1), Scratch(partials.at), field, size(tiles)?, size(chunks.rows)?];
        let grid = [groups, chunks.count, 1];
        (plan.launch_blocks(tiled.partials, grid, [LANES, SIDE, 1], 0, arguments)?, partials)
    } else {
        let positions = shape.positions();
        let chunks = Chunks::of(positions, positions.div_ceil(32).max(64), MAX_CHUNKS);
        let partials = chunks.partials(&mut plan, (taps + 1) * channels);
        let [kt, kh, kw] = shape.kernel;
        let scalars = [size(kt)?, size(kh)?, size(kw)?, size(positions)?, size(chunks.rows)?];
        let arguments = [vec![Input(0), Input(1), Scratch(partials.at), field], scalars.to_vec()].concat();
        let grid = [channels.div_ceil(LANES), chunks.count, taps + 1];
        (plan.launch("depthwise_any_partials", grid, arguments)?, partials)
    };
    let (plan, partials) = plan.add_groups(partials)?;
    let weight = taps * channels;
    plan.add_partials(partials, 0, [taps, channels], Output(0, 0))?.add_partials(
        partials,
        weight,
        [1, channels],
        Output(0, weight),
    )
}
