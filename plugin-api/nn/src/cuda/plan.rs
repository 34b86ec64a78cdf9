//! Plans: which kernels to launch, with which grids and arguments.

use candle_core::{Result, Shape, bail};

/// Threads of a block along x, for neighbouring channels; `LANES` in element.cuh.
pub(crate) const LANES: usize = 32;
/// Threads of a block along y; `ROWS` in element.cuh.
pub(crate) const ROWS: usize = 8;
/// Most chunks that a sum over rows is split into, enough for every GPU. It is a constant so that sums are the same on
/// all GPUs.
pub(crate) const MAX_CHUNKS: usize = 1024;

/// The type of the elements of a tensor or buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Activations: f32 or bf16, the same for all tensors of a plan.
    Element,
    /// Always f32.
    Float,
}

/// One argument of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Argument {
    /// Pointer to the input with this index.
    Input(usize),
    /// Pointer into the output with this index, at an offset in elements.
    Output(usize, usize),
    /// A null pointer.
    Null,
    /// Pointer into the scratch memory, at an offset in floats.
    Scratch(usize),
    /// An unsigned integer.
    Size(u32),
    /// A struct of unsigned integers, by value.
    Sizes(Vec<u32>),
    /// A float.
    Scalar(f32),
}

/// One launch of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Launch {
    pub(crate) kernel: &'static str,
    pub(crate) grid: [u32; 3],
    pub(crate) block: [u32; 3],
    /// Bytes of dynamic shared memory.
    pub(crate) shared: u32,
    pub(crate) arguments: Vec<Argument>,
}

/// A sequence of kernel launches, from inputs to outputs.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) op: &'static str,
    pub(crate) inputs: Vec<Kind>,
    pub(crate) outputs: Vec<(Kind, Shape)>,
    /// Floats of scratch memory, not initialised.
    pub(crate) scratch: usize,
    pub(crate) launches: Vec<Launch>,
}

impl Plan {
    pub(crate) fn new(op: &'static str, inputs: &[Kind], output: Kind, shape: impl Into<Shape>) -> Self {
        let (inputs, outputs) = (inputs.to_vec(), vec![(output, shape.into())]);
        Self { op, inputs, outputs, scratch: 0, launches: Vec::new() }
    }

    /// Adds an output.
    pub(crate) fn and(mut self, output: Kind, shape: impl Into<Shape>) -> Self {
        self.outputs.push((output, shape.into()));
        self
    }

    /// Adds a launch of blocks of [`LANES`] x [`ROWS`] threads.
    pub(crate) fn launch(self, kernel: &'static str, grid: [usize; 3], arguments: Vec<Argument>) -> Result<Self> {
        self.launch_blocks(kernel, grid, [LANES, ROWS, 1], 0, arguments)
    }

    /// Adds a launch of blocks of any shape.
    ///
    /// # Errors
    /// If the grid exceeds the limits of a GPU.
    pub(crate) fn launch_blocks(
        mut self,
        kernel: &'static str,
        grid: [usize; 3],
        block: [usize; 3],
        shared: usize,
        arguments: Vec<Argument>,
    ) -> Result<Self> {
        let [x, y, z] = grid;
        if x.max(1) > i32::MAX as usize || y.max(z) > u16::MAX as usize {
            bail!("{}: {grid:?} blocks are more than a GPU can launch at once: use smaller batches", self.op);
        }
        let sizes = |all: [usize; 3]| all.map(|size| size as u32);
        self.launches.push(Launch { kernel, grid: sizes(grid), block: sizes(block), shared: shared as u32, arguments });
        Ok(self)
    }

    /// Reserves scratch memory, and returns its offset.
    pub(crate) fn reserve(&mut self, floats: usize) -> usize {
        self.scratch += floats;
        self.scratch - floats
    }
}

/// A size as an argument of a kernel.
pub(crate) fn size(value: usize) -> Result<Argument> {
    match u32::try_from(value) {
        Ok(size) => Ok(Argument::Size(size)),
        Err(_) => bail!("{value} rows are more than one launch can cover: use smaller batches"),
    }
}

/// Rows and channels of a tensor `(.., C)`.
pub(crate) fn rows_of(dims: &[usize]) -> [usize; 2] {
    let channels = dims.last().copied().unwrap_or(1);
    [dims.iter().product::<usize>() / channels.max(1), channels]
}

/// A grid whose blocks cover `rows` rows once.
pub(crate) fn grid_over(rows: usize) -> [usize; 3] {
    [rows.div_ceil(ROWS), 1, 1]
}

/// A grid whose threads cover `count` elements once.
pub(crate) fn grid_over_each(count: usize) -> [usize; 3] {
    grid_over(count.div_ceil(LANES))
}

/// Sizes as a struct that a kernel takes by value.
pub(crate) fn sizes(op: &str, all: &[usize]) -> Result<Argument> {
    match all.iter().map(|&size| u32::try_from(size).ok()).collect() {
        Some(sizes) => Ok(Argument::Sizes(sizes)),
        None => bail!("{op}: expected sizes that fit 32 bits, got {all:?}: use smaller batches"),
    }
}
