//! Plans of depthwise.cu: the depthwise convolution of `x (B, T, H, W, C)` and its gradients.

use candle_core::{Result, bail};

use super::Argument::{self, Input, Null, Output, Scratch, Size, Sizes};
use super::Kind::{Element, Float};
use super::sums::Chunks;
use super::{Kind, LANES, MAX_CHUNKS, Plan, ROWS, grid_over, grid_over_each, size};
use crate::depthwise::kernel::Geometry;

/// Height and width of the kernels that work in tiles; `SIDE` in depthwise.cu.
const SIDE: usize = 7;
/// Channels of a block of these; `GROUP` there.
const GROUP: usize = 16;
/// Height and width of a tile of outputs, and of one for the gradient of the weight; `TILE_HEIGHT`, `TILE_WIDTH` and
/// `GRADIENT_HEIGHT` there.
const TILE: [usize; 2] = [16, 8];
const GRADIENT_TILE: [usize; 2] = [8, 8];
/// A row of weights has room for so many; `WEIGHTS` there.
const WEIGHTS: usize = 8;
/// Tiles of a chunk of the gradient's sums at least, and blocks at most.
const LEAST_TILES: usize = 4;
const MAX_BLOCKS: usize = 4096;

/// The kernels for one size.
struct Tiled {
    forward: &'static str,
    partials: &'static str,
}

impl Geometry {
    fn positions(&self) -> usize {
        self.batch * self.size.iter().product::<usize>()
    }

    /// `(B, T, H, W, C)`.
    pub(crate) fn dims(&self) -> [usize; 5] {
        let [t, h, w] = self.size;
        [self.batch, t, h, w, self.channels]
    }

    fn tiled(&self) -> Option<Tiled> {
        match self.kernel {
            [7, SIDE, SIDE] => Some(Tiled { forward: "depthwise_7x7x7", partials: "depthwise_7x7x7_partials" }),
            [1, SIDE, SIDE] => Some(Tiled { forward: "depthwise_7x7", partials: "depthwise_7x7_partials" }),
            _ => None,
        }
    }

    /// Tiles of that height and width, which reach over all frames.
    fn tiles(&self, [height, width]: [usize; 2]) -> usize {
        let [_, h, w] = self.size;
        self.batch * h.div_ceil(height) * w.div_ceil(width)
    }

    /// Bytes of shared memory of a block that slides along the frames: rows of weights, and two planes with their margins,
    /// each row 16 elements longer than its positions.
    fn shared(&self) -> usize {
        let [height, width] = TILE.map(|side| side + SIDE - 1);
        let weights = self.kernel[0] * SIDE * WEIGHTS * GROUP;
        4 * (weights + 2 * height * (width * GROUP + 16))
    }

    /// The kernels' `Field`.
    fn field(&self, op: &str) -> Result<Argument> {
        let [t, h, w] = self.size;
        match [t, h, w, self.channels].map(u32::try_from) {
            [Ok(t), Ok(h), Ok(w), Ok(c)] => Ok(Sizes(vec![t, h, w, c])),
            _ => bail!("{op}: sizes beyond 32 bits: {:?}", self.dims()),
        }
    }
}

/// From x, weight `(C, 1, kt, kh, kw)` and bias.
pub(crate) fn forward(op: &'static str, geometry: &Geometry) -> Result<Plan> {
    slide(op, geometry, &[Element, Float, Float], [Input(2), Null], false)
}

/// The gradient of x, from that of the result and weight.
pub(crate) fn backward(op: &'static str, geometry: &Geometry) -> Result<Plan> {
    slide(op, geometry, &[Element, Float], [Input(1), Null], true)
}

/// The same plus a third input: what goes past the convolution.
pub(crate) fn backward_and_past(op: &'static str, geometry: &Geometry) -> Result<Plan> {
    slide(op, geometry, &[Element, Float, Element], [Input(1), Input(2)], true)
}

/// The convolution, or with the taps in reverse and no bias its gradient; and what `past` holds added to it.
fn slide(
    op: &'static str,
    geometry: &Geometry,
    inputs: &[Kind],
    [bias, past]: [Argument; 2],
    reverse: bool,
) -> Result<Plan> {
    let (taps, channels) = (geometry.taps(), geometry.channels);
    let mut plan = Plan::new(op, inputs, Element, geometry.dims().as_slice());
    let weights = Scratch(plan.reserve((taps + 1) * channels));
    let arguments = vec![Input(1), bias, weights.clone(), size(taps)?, size(channels)?, Size(u32::from(reverse))];
    let plan = plan.launch("depthwise_weights", grid_over_each((taps + 1) * channels), arguments)?;
    let mut arguments = vec![Input(0), weights, past, Output(0, 0), geometry.field(op)?];
    if let Some(tiled) = geometry.tiled() {
        let grid = [geometry.tiles(TILE), channels.div_ceil(GROUP), 1];
        return plan.launch_blocks(tiled.forward, grid, [LANES, ROWS, 1], geometry.shared(), arguments);
    }
    let positions = geometry.positions();
    let [kt, kh, kw] = geometry.kernel;
    arguments.extend([size(kt)?, size(kh)?, size(kw)?, size(positions)?]);
    plan.launch("depthwise_any", grid_over(positions), arguments)
}

/// The gradients of weight `(C, taps)` and bias `(C)` one behind the other, from x and that of the result.
pub(crate) fn parameters(op: &'static str, geometry: &Geometry) -> Result<Plan> {
    let (taps, channels) = (geometry.taps(), geometry.channels);
    let field = geometry.field(op)?;
    let mut plan = Plan::new(op, &[Element, Element], Float, (taps + 1) * channels);
    let (plan, partials) = if let Some(tiled) = geometry.tiled() {
        let (tiles, groups) = (geometry.tiles(GRADIENT_TILE), channels.div_ceil(GROUP));
        let chunks = Chunks::of(tiles, LEAST_TILES, (MAX_BLOCKS / groups).max(1));
        let partials = chunks.partials(&mut plan, (taps + 1) * channels);
        let arguments = vec![Input(0), Input(1), Scratch(partials.at), field, size(tiles)?, size(chunks.rows)?];
        let grid = [groups, chunks.count, 1];
        (plan.launch_blocks(tiled.partials, grid, [LANES, SIDE, 1], 0, arguments)?, partials)
    } else {
        let positions = geometry.positions();
        let chunks = Chunks::of(positions, positions.div_ceil(32).max(64), MAX_CHUNKS);
        let partials = chunks.partials(&mut plan, (taps + 1) * channels);
        let [kt, kh, kw] = geometry.kernel;
        let sizes = [size(kt)?, size(kh)?, size(kw)?, size(positions)?, size(chunks.rows)?];
        let arguments = [vec![Input(0), Input(1), Scratch(partials.at), field], sizes.to_vec()].concat();
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
