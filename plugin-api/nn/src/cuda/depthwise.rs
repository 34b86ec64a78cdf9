//! Plans of depthwise.cu: the depthwise convolution of `x (B, T, H, W, C)` and its gradients.

use candle_core::{Result, bail};

use super::Argument::{self, Input, Output, Scratch, Size, Sizes};
use super::Kind::{Element, Float};
use super::sums::Chunks;
use super::{Kind, LANES, Plan, grid_over, grid_over_each, size};
use crate::depthwise::kernel::Geometry;

/// Height and width of a tile of outputs; `TILE` in depthwise.cu.
const TILE: usize = 8;
/// Height and width of the kernels that work in tiles; `SIDE` in depthwise.cu.
const SIDE: usize = 7;

/// The kernels for one size.
struct Tiled {
    forward: &'static str,
    partials: &'static str,
    /// Frames of a tile in the forward kernel.
    frames: usize,
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
            [7, SIDE, SIDE] => {
                Some(Tiled { forward: "depthwise_7x7x7", partials: "depthwise_7x7x7_partials", frames: 4 })
            }
            [1, SIDE, SIDE] => Some(Tiled { forward: "depthwise_7x7", partials: "depthwise_7x7_partials", frames: 1 }),
            _ => None,
        }
    }

    fn tiles(&self, frames: usize) -> usize {
        let [t, h, w] = self.size;
        self.batch * t.div_ceil(frames) * h.div_ceil(TILE) * w.div_ceil(TILE)
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
    slide(op, geometry, &[Element, Float, Float], Input(2), false)
}

/// The gradient of x, from that of the result and weight.
pub(crate) fn backward(op: &'static str, geometry: &Geometry) -> Result<Plan> {
    slide(op, geometry, &[Element, Float], Input(1), true)
}

/// The convolution, or with the taps in reverse and no bias its gradient.
fn slide(op: &'static str, geometry: &Geometry, inputs: &[Kind], bias: Argument, reverse: bool) -> Result<Plan> {
    let (taps, channels) = (geometry.taps(), geometry.channels);
    let mut plan = Plan::new(op, inputs, Element, geometry.dims().as_slice());
    let weights = Scratch(plan.reserve((taps + 1) * channels));
    let arguments = vec![Input(1), bias, weights.clone(), size(taps)?, size(channels)?, Size(u32::from(reverse))];
    let plan = plan.launch("depthwise_weights", grid_over_each((taps + 1) * channels), arguments)?;
    let field = geometry.field(op)?;
    if let Some(tiled) = geometry.tiled() {
        let grid = [geometry.tiles(tiled.frames), channels.div_ceil(LANES), 1];
        return plan.launch(tiled.forward, grid, vec![Input(0), weights, Output(0), field]);
    }
    let positions = geometry.positions();
    let [kt, kh, kw] = geometry.kernel;
    let arguments = vec![Input(0), weights, Output(0), field, size(kt)?, size(kh)?, size(kw)?, size(positions)?];
    plan.launch("depthwise_any", grid_over(positions), arguments)
}

/// The gradients of weight `(C, taps)` and bias `(C)` one behind the other, from x and that of the result.
pub(crate) fn parameters(op: &'static str, geometry: &Geometry) -> Result<Plan> {
    let (taps, channels) = (geometry.taps(), geometry.channels);
    let field = geometry.field(op)?;
    let [kt, kh, kw] = geometry.kernel;
    let mut plan = Plan::new(op, &[Element, Element], Float, (taps + 1) * channels);
    let groups = channels.div_ceil(LANES);
    let positions = geometry.positions();
    let (plan, scratch, chunks) = if let Some(tiled) = geometry.tiled() {
        let tiles = geometry.tiles(1);
        // Each chunk leaves as much to add up as the weight is long: not too many of them.
        let chunks = Chunks::of(tiles, tiles.div_ceil(32).max(4));
        let scratch = plan.reserve(chunks.count * taps * channels);
        let arguments = vec![Input(0), Input(1), Scratch(scratch), field, size(tiles)?, size(chunks.rows)?];
        let grid = [groups, kt, chunks.count];
        (plan.launch_blocks(tiled.partials, grid, [LANES, SIDE, 1], arguments)?, scratch, chunks)
    } else {
        let chunks = Chunks::of(positions, positions.div_ceil(32).max(64));
        let scratch = plan.reserve(chunks.count * taps * channels);
        let sizes = [size(kt)?, size(kh)?, size(kw)?, size(positions)?, size(chunks.rows)?];
        let arguments = [vec![Input(0), Input(1), Scratch(scratch), field], sizes.to_vec()].concat();
        (plan.launch("depthwise_any_partials", [groups, chunks.count, taps], arguments)?, scratch, chunks)
    };
    plan.add_partials(scratch, chunks.count, [taps, channels], 0)?.sum_rows(
        "column_partials",
        [positions, channels],
        1,
        |partials| vec![Input(1), partials],
        taps * channels,
    )
}
