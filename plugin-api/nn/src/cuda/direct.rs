//! Plans of direct.cu: dense convolution with few input channels, without a matrix of patches.

use candle_core::{Result, bail};

use super::Argument::{self, Input, Output, Scratch, Sizes};
use super::Kind::{Element, Float};
use super::sums::Chunks;
use super::{LANES, MAX_CHUNKS, Plan, size};
use crate::conv::kernel::Convolution;

/// Filters of a block; `FILTERS` in direct.cu.
const FILTERS: usize = 16;
/// Height and width of a tile of outputs, and of one for the gradients; `DIRECT_HEIGHT`, `DIRECT_WIDTH` and `DIRECT_SIDE`
/// there.
const TILE: [usize; 2] = [16, 32];
const GRADIENT_TILE: [usize; 2] = [16, 16];
/// What a block may have of shared memory, so that two of them fit a multiprocessor.
const MOST_SHARED: usize = 100 << 10;
/// Threads of a block that adds up gradients, at most.
const MOST_THREADS: usize = 256;

/// A convolution that the kernels can do.
pub(crate) struct Direct {
    form: Convolution,
    /// Rows of the weight's matrix.
    taps: usize,
}

impl Direct {
    pub(crate) fn new(form: &Convolution) -> Option<Self> {
        let window = &form.window;
        let [time, height, width] = window.axes;
        let plain = time.kernel == 1 && time.padding == (0, 0) && window.axes.iter().all(|axis| axis.stride == 1);
        let direct = Self { form: *form, taps: height.kernel * width.kernel * window.channels };
        let shared = direct.shared(TILE, direct.taps).max(direct.shared(GRADIENT_TILE, GRADIENT_TILE[0] * GRADIENT_TILE[1]));
        let fits = shared <= MOST_SHARED && direct.taps < 2 * MOST_THREADS && form.filters.is_multiple_of(FILTERS);
        (plain && fits && window.channels <= FILTERS).then_some(direct)
    }

    /// Bytes of shared memory: what a tile reads, and so many rows of 16 numbers.
    fn shared(&self, [height, width]: [usize; 2], rows: usize) -> usize {
        let [_, h, w] = self.form.window.axes.map(|axis| axis.kernel - 1);
        4 * ((height + h) * (width + w) * (self.form.window.channels | 1) + rows * FILTERS)
    }

    fn tiles(&self, [height, width]: [usize; 2]) -> usize {
        let [t, h, w] = self.form.window.outputs;
        self.form.batch * t * h.div_ceil(height) * w.div_ceil(width)
    }

    /// The kernels' `DirectField`.
    fn field(&self, op: &str) -> Result<Argument> {
        let Convolution { window, batch, filters } = &self.form;
        let ([t, h, w], [_, oh, ow]) = (window.size, window.outputs);
        let [_, height, width] = window.axes;
        let sizes = [height.kernel, width.kernel, height.padding.0, width.padding.0, *filters];
        let all: Vec<usize> = [batch * t, h, w, window.channels, oh, ow].into_iter().chain(sizes).collect();
        match all.iter().map(|&size| u32::try_from(size).ok()).collect() {
            Some(sizes) => Ok(Sizes(sizes)),
            None => bail!("{op}: sizes beyond 32 bits: {all:?}"),
        }
    }

    /// From x, the weight's matrix `(kh kw I, O)` and bias.
    pub(crate) fn forward(&self, op: &'static str) -> Result<Plan> {
        let [t, h, w] = self.form.window.outputs;
        let plan = Plan::new(op, &[Element, Float, Float], Element, (self.form.batch, t, h, w, self.form.filters));
        let grid = [self.tiles(TILE), self.form.filters / FILTERS, 1];
        let arguments = vec![Input(0), Input(1), Input(2), Output(0, 0), self.field(op)?];
        plan.launch_blocks("direct_forward", grid, [LANES, super::ROWS, 1], self.shared(TILE, self.taps), arguments)
    }

    /// The gradients of the matrix and, as one more row, of the bias, from x and the gradient of the result.
    pub(crate) fn parameters(&self, op: &'static str) -> Result<Plan> {
        let (rows, filters, tiles) = (self.taps + 1, self.form.filters, self.tiles(GRADIENT_TILE));
        let mut plan = Plan::new(op, &[Element, Element], Float, (rows, filters));
        let groups = filters / FILTERS;
        let chunks = Chunks::of(tiles, 4, (MAX_CHUNKS / groups).max(1));
        let partials = chunks.partials(&mut plan, rows * filters);
        let warps = rows.div_ceil(2 * LANES);
        let sizes = [size(tiles)?, size(chunks.rows)?, size(warps * LANES)?];
        let arguments = [vec![Input(0), Input(1), Scratch(partials.at), self.field(op)?], sizes.to_vec()].concat();
        let shared = self.shared(GRADIENT_TILE, GRADIENT_TILE[0] * GRADIENT_TILE[1]);
        let grid = [groups, chunks.count, 1];
        let (plan, partials) =
            plan.launch_blocks("direct_partials", grid, [LANES, warps, 1], shared, arguments)?.add_groups(partials)?;
        plan.add_partials(partials, 0, [1, rows * filters], Output(0, 0))
    }
}
