//! Plans of direct_conv.cu: dense convolution with few input channels, without an im2col matrix.

use candle_core::Result;

use super::sums::Chunks;
use crate::cuda::plan::Argument::{self, Input, Output, Scratch};
use crate::cuda::plan::Kind::{Element, Float};
use crate::cuda::plan::{LANES, Plan, size, sizes};
use crate::shape::ConvShape;

/// Filters per block; `FILTERS` in direct_conv.cu.
const FILTERS: usize = 16;
/// Height and width of a tile of outputs; the width and the approximate height of a tile for the gradients;
/// `DIRECT_SIDE` and `GRADIENT_SIDE` there.
const SIDE: usize = 32;
const GRADIENT_SIDE: usize = 16;
/// Warps and threads per block; `DIRECT_ROWS` and `DIRECT_THREADS` there.
const ROWS: usize = 4;
const THREADS: usize = ROWS * LANES;
/// Taps whose gradients a thread sums; `TAPS` there.
const TAPS: usize = 6;
/// Most shared memory of a block on every GPU of compute capability 8.0 or more; on the larger ones two such blocks fit
/// a multiprocessor.
const MOST_SHARED: usize = 99 << 10;
/// Fewest tiles per chunk of the sums for the gradients, and most blocks of a launch.
const LEAST_TILES: usize = 4;
const MAX_BLOCKS: usize = 4096;

/// A convolution that the kernels support.
pub(crate) struct DirectConv {
    shape: ConvShape,
    /// Rows of the matrix of the weight, `kh kw I`.
    taps: usize,
}

impl DirectConv {
    /// `None` if the kernels do not support the convolution.
    pub(crate) fn new(shape: &ConvShape) -> Option<Self> {
        let window = &shape.window;
        let [time, height, width] = window.axes;
        let plain = time.kernel == 1 && time.padding == (0, 0) && window.axes.iter().all(|axis| axis.stride == 1);
        let direct = Self { shape: *shape, taps: height.kernel * width.kernel * window.channels };
        let fits = direct.shared().max(direct.gradient_shared()) <= MOST_SHARED && direct.taps <= TAPS * THREADS;
        let whole = shape.filters.is_multiple_of(FILTERS) && window.channels <= FILTERS;
        (plain && fits && whole).then_some(direct)
    }

    /// The rows of the field that a tile of this size reads, and the floats of such a row in shared memory.
    fn read(&self, [height, width]: [usize; 2]) -> [usize; 2] {
        let [_, h, w] = self.shape.window.axes.map(|axis| axis.kernel - 1);
        [height + h, (width + w) * (self.shape.window.channels | 1)]
    }

    /// Bytes of shared memory of the forward kernel: weights, and a tile of the field.
    fn shared(&self) -> usize {
        let [rows, line] = self.read([SIDE, SIDE]);
        4 * (self.taps * FILTERS + rows * line)
    }

    /// Bytes of shared memory of the gradient kernel: a tile of the gradient, whose rows are padded by one position,
    /// and a tile of the field, whose rows are padded by up to 31 floats; at the end all sums.
    fn gradient_shared(&self) -> usize {
        let height = self.gradient_height();
        let [rows, line] = self.read([height, GRADIENT_SIDE]);
        let tiles = height * (GRADIENT_SIDE + 1) * FILTERS + rows * (line + LANES - 1);
        4 * tiles.max(self.threads_per_share() * TAPS * FILTERS)
    }

    /// Threads that cover all taps.
    fn threads_per_share(&self) -> usize {
        self.taps.div_ceil(TAPS)
    }

    /// How many times the threads of a block cover all taps; these shares divide the rows of a tile among them.
    fn shares(&self) -> usize {
        (THREADS / self.threads_per_share()).clamp(1, GRADIENT_SIDE)
    }

    /// Rows of a tile, the same number for each share.
    fn gradient_height(&self) -> usize {
        GRADIENT_SIDE / self.shares() * self.shares()
    }

    fn tiles(&self, [height, width]: [usize; 2]) -> usize {
        let [t, h, w] = self.shape.window.outputs;
        self.shape.batch * t * h.div_ceil(height) * w.div_ceil(width)
    }

    /// The argument `DirectField` of the kernels.
    fn field(&self, op: &str) -> Result<Argument> {
        let ConvShape { window, batch, filters } = &self.shape;
        let ([t, h, w], [_, oh, ow]) = (window.size, window.outputs);
        let [_, height, width] = window.axes;
        let kernel = [height.kernel, width.kernel, height.padding.0, width.padding.0, *filters];
        let all: Vec<usize> = [batch * t, h, w, window.channels, oh, ow].into_iter().chain(kernel).collect();
        sizes(op, &all)
    }

    /// From x, the matrix of the weight `(kh kw I, O)` and bias.
    pub(crate) fn forward(&self, op: &'static str) -> Result<Plan> {
        let [t, h, w] = self.shape.window.outputs;
        let plan = Plan::new(op, &[Element, Float, Float], Element, (self.shape.batch, t, h, w, self.shape.filters));
        let grid = [self.tiles([SIDE, SIDE]), self.shape.filters / FILTERS, 1];
        let arguments = vec![Input(0), Input(1), Input(2), Output(0, 0), self.field(op)?];
        plan.launch_blocks("direct_forward", grid, [LANES, ROWS, 1], self.shared(), arguments)
    }

    /// The gradients of the matrix and, as a last row, of the bias, from x and the gradient of the result.
    pub(crate) fn parameters(&self, op: &'static str) -> Result<Plan> {
        let (rows, filters) = (self.taps + 1, self.shape.filters);
        let tiles = self.tiles([self.gradient_height(), GRADIENT_SIDE]);
        let mut plan = Plan::new(op, &[Element, Element], Float, (rows, filters));
        let groups = filters / FILTERS;
        let chunks = Chunks::of(tiles, LEAST_TILES, (MAX_BLOCKS / groups).max(1));
        let partials = chunks.partials(&mut plan, rows * filters);
        let scalars = [size(tiles)?, size(chunks.rows)?, size(self.shares())?];
        let arguments = [vec![Input(0), Input(1), Scratch(partials.at), self.field(op)?], scalars.to_vec()].concat();
        let (grid, shared) = ([groups, chunks.count, 1], self.gradient_shared());
        let plan = plan.launch_blocks("direct_partials", grid, [LANES, ROWS, 1], shared, arguments)?;
        let (plan, partials) = plan.add_groups(partials)?;
        plan.add_partials(partials, 0, [1, rows * filters], Output(0, 0))
    }
}
