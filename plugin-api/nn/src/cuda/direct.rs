//! Plans of direct.cu: dense convolution with few input channels, without a matrix of patches.

use candle_core::{Result, bail};

use super::Argument::{self, Input, Output, Scratch, Sizes};
use super::Kind::{Element, Float};
use super::sums::Chunks;
use super::{LANES, Plan, size};
use crate::conv::kernel::Convolution;

/// Filters of a block; `FILTERS` in direct.cu.
const FILTERS: usize = 16;
/// Height and width of a tile of outputs, and the width and about the height of one for the gradients; `DIRECT_SIDE` and
/// `GRADIENT_SIDE` there.
const SIDE: usize = 32;
const GRADIENT_SIDE: usize = 16;
/// Rows of warps of a block, and its threads; `DIRECT_ROWS` and `DIRECT_THREADS` there.
const ROWS: usize = 4;
const THREADS: usize = ROWS * LANES;
/// Taps of which a thread adds up gradients; `TAPS` there.
const TAPS: usize = 6;
/// What a block may have of shared memory on every GPU that the kernels are for; two of them fit the larger ones'
/// multiprocessors.
const MOST_SHARED: usize = 99 << 10;
/// Tiles of a chunk of the gradients' sums at least, and blocks at most.
const LEAST_TILES: usize = 4;
const MAX_BLOCKS: usize = 4096;

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
        let fits = direct.shared().max(direct.gradient_shared()) <= MOST_SHARED && direct.taps <= TAPS * THREADS;
        let whole = form.filters.is_multiple_of(FILTERS) && window.channels <= FILTERS;
        (plain && fits && whole).then_some(direct)
    }

    /// Rows of the field that a tile of so many reads, and floats of such a row in shared memory.
    fn read(&self, [height, width]: [usize; 2]) -> [usize; 2] {
        let [_, h, w] = self.form.window.axes.map(|axis| axis.kernel - 1);
        [height + h, (width + w) * (self.form.window.channels | 1)]
    }

    /// Bytes of shared memory for outputs: weights, and a tile.
    fn shared(&self) -> usize {
        let [rows, line] = self.read([SIDE, SIDE]);
        4 * (self.taps * FILTERS + rows * line)
    }

    /// Bytes of shared memory for gradients: a tile of the gradient, whose rows are longer by one position, and one of the
    /// field, whose rows are longer by up to 31 floats; in the end all sums.
    fn gradient_shared(&self) -> usize {
        let height = self.gradient_height();
        let [rows, line] = self.read([height, GRADIENT_SIDE]);
        let tiles = height * (GRADIENT_SIDE + 1) * FILTERS + rows * (line + LANES - 1);
        4 * tiles.max(self.apart() * TAPS * FILTERS)
    }

    /// Threads that have all taps between them.
    fn apart(&self) -> usize {
        self.taps.div_ceil(TAPS)
    }

    /// As often the threads of a block have all taps, and share the rows of a tile.
    fn shares(&self) -> usize {
        (THREADS / self.apart()).clamp(1, GRADIENT_SIDE)
    }

    /// As many rows for each share.
    fn gradient_height(&self) -> usize {
        GRADIENT_SIDE / self.shares() * self.shares()
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
        let grid = [self.tiles([SIDE, SIDE]), self.form.filters / FILTERS, 1];
        let arguments = vec![Input(0), Input(1), Input(2), Output(0, 0), self.field(op)?];
        plan.launch_blocks("direct_forward", grid, [LANES, ROWS, 1], self.shared(), arguments)
    }

    /// The gradients of the matrix and, as one more row, of the bias, from x and the gradient of the result.
    pub(crate) fn parameters(&self, op: &'static str) -> Result<Plan> {
        let (rows, filters) = (self.taps + 1, self.form.filters);
        let tiles = self.tiles([self.gradient_height(), GRADIENT_SIDE]);
        let mut plan = Plan::new(op, &[Element, Element], Float, (rows, filters));
        let groups = filters / FILTERS;
        let chunks = Chunks::of(tiles, LEAST_TILES, (MAX_BLOCKS / groups).max(1));
        let partials = chunks.partials(&mut plan, rows * filters);
        let sizes = [size(tiles)?, size(chunks.rows)?, size(self.shares())?];
        let arguments = [vec![Input(0), Input(1), Scratch(partials.at), self.field(op)?], sizes.to_vec()].concat();
        let (grid, shared) = ([groups, chunks.count, 1], self.gradient_shared());
        let plan = plan.launch_blocks("direct_partials", grid, [LANES, ROWS, 1], shared, arguments)?;
        let (plan, partials) = plan.add_groups(partials)?;
        plan.add_partials(partials, 0, [1, rows * filters], Output(0, 0))
    }
}
