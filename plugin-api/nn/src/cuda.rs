//! The operations on NVIDIA GPUs.
//!
//! Each operation is planned in plain Rust: a [`Plan`] names the kernels to launch one behind the other, their grids
//! and their arguments. A plan neither needs nor knows a GPU. With the cargo feature `cuda`, `device` carries it out;
//! in tests, `emulation` runs the same plans and the same kernel sources on the CPU.
//!
//! Activations are f32 or bf16; parameters, their gradients and all arithmetic are f32. Sums over positions are made
//! in two stages, always in the same order, so that results are the same bytes from run to run.

#[cfg(feature = "cuda")]
mod device;
#[cfg(not(feature = "cuda"))]
#[path = "cuda/without.rs"]
mod device;
#[cfg(test)]
pub(crate) mod emulation;

pub(crate) mod attention;
mod composite;
pub(crate) mod depthwise;
pub(crate) mod direct;
pub(crate) mod instance;
pub(crate) mod mlp;
pub(crate) mod norm;
pub(crate) mod optim;
pub(crate) mod patches;
pub(crate) mod pointwise;
pub(crate) mod select;
pub(crate) mod squared_error;
pub(crate) mod sums;
pub(crate) mod swap;

use candle_core::{CudaStorage, Layout, Result, Shape, Storage, StorageRef, Tensor, bail};

pub(crate) use composite::Composite;
pub(crate) use device::{in_place, run};

/// Threads of a block along x, for neighbouring channels; `LANES` in element.cuh.
const LANES: usize = 32;
/// Threads of a block along y; `ROWS` in element.cuh.
const ROWS: usize = 8;
/// Chunks that a sum over rows is split into at most, enough for every GPU there is. A constant: on all GPUs the sums are
/// the same.
const MAX_CHUNKS: usize = 1024;

/// What a tensor or a buffer holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Activations, f32 or bf16: the same for all of a plan.
    Element,
    /// f32 always.
    Float,
}

/// One argument of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Argument {
    /// Pointer to the plan's input of that number.
    Input(usize),
    /// Pointer into the plan's output of that number, so many numbers behind its start.
    Output(usize, usize),
    /// A pointer to nothing.
    Null,
    /// Pointer into the scratch memory, that many floats behind its start.
    Scratch(usize),
    Size(u32),
    /// A struct of sizes, by value.
    Sizes(Vec<u32>),
    Number(f32),
}

/// One launch of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Launch {
    pub(crate) kernel: &'static str,
    pub(crate) grid: [u32; 3],
    pub(crate) block: [u32; 3],
    /// Bytes of shared memory beside what the kernel declares.
    pub(crate) shared: u32,
    pub(crate) arguments: Vec<Argument>,
}

/// Kernels one behind the other, from inputs to outputs.
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
    fn new(op: &'static str, inputs: &[Kind], output: Kind, shape: impl Into<Shape>) -> Self {
        let (inputs, outputs) = (inputs.to_vec(), vec![(output, shape.into())]);
        Self { op, inputs, outputs, scratch: 0, launches: Vec::new() }
    }

    /// Adds an output.
    fn and(mut self, output: Kind, shape: impl Into<Shape>) -> Self {
        self.outputs.push((output, shape.into()));
        self
    }

    /// Adds a launch of blocks (32, 8).
    fn launch(self, kernel: &'static str, grid: [usize; 3], arguments: Vec<Argument>) -> Result<Self> {
        self.launch_blocks(kernel, grid, [LANES, ROWS, 1], 0, arguments)
    }

    fn launch_blocks(
        mut self,
        kernel: &'static str,
        grid: [usize; 3],
        block: [usize; 3],
        shared: usize,
        arguments: Vec<Argument>,
    ) -> Result<Self> {
        let [x, y, z] = grid;
        if x.max(1) > i32::MAX as usize || y.max(z) > u16::MAX as usize {
            bail!("{}: {grid:?} blocks are more than a card takes at once: use smaller batches", self.op);
        }
        let sizes = |all: [usize; 3]| all.map(|size| size as u32);
        self.launches.push(Launch { kernel, grid: sizes(grid), block: sizes(block), shared: shared as u32, arguments });
        Ok(self)
    }

    /// Reserves scratch memory, and gives its start.
    fn reserve(&mut self, floats: usize) -> usize {
        self.scratch += floats;
        self.scratch - floats
    }

    /// The outputs of the plan carried out on tensors, without a trace for gradients.
    pub(crate) fn all_on(&self, tensors: &[&Tensor]) -> Result<Vec<Tensor>> {
        #[cfg(test)]
        if tensors[0].device().is_cpu() {
            return emulation::on(self, tensors);
        }
        let tensors = tensors.iter().map(|tensor| tensor.contiguous()).collect::<Result<Vec<_>>>()?;
        device::run_on(self, &tensors)
    }

    /// The output of a plan that has one.
    pub(crate) fn on<const N: usize>(&self, tensors: [&Tensor; N]) -> Result<Tensor> {
        let [output] = self.outputs_on(tensors)?;
        Ok(output)
    }

    /// The outputs of a plan that has so many.
    pub(crate) fn outputs_on<const N: usize, const M: usize>(&self, tensors: [&Tensor; N]) -> Result<[Tensor; M]> {
        let outputs = self.all_on(&tensors)?;
        let count = outputs.len();
        outputs.try_into().or_else(|_| bail!("{}: a plan of {count} outputs, expected {M}", self.op))
    }
}

/// Where tensors lie on the GPU, for as long as their storages are locked.
fn on_gpu<'a>(op: &str, inputs: &'a [(StorageRef<'a>, &'a Layout)]) -> Result<Vec<(&'a CudaStorage, &'a Layout)>> {
    let on_gpu = inputs.iter().enumerate().map(|(number, (storage, layout))| match &**storage {
        Storage::Cuda(storage) => Ok((storage, *layout)),
        other => bail!("{op}: expected all inputs on a GPU, got input {number} on {:?}", other.device().location()),
    });
    on_gpu.collect()
}

/// A size as kernels take it.
fn size(value: usize) -> Result<Argument> {
    match u32::try_from(value) {
        Ok(size) => Ok(Argument::Size(size)),
        Err(_) => bail!("{value} rows are more than one launch covers: use smaller batches"),
    }
}

/// Rows and channels of a tensor whose last axis holds the channels.
fn rows_of(dims: &[usize]) -> [usize; 2] {
    let channels = dims.last().copied().unwrap_or(1);
    [dims.iter().product::<usize>() / channels.max(1), channels]
}

/// A grid whose blocks' rows cover `rows` once.
fn grid_over(rows: usize) -> [usize; 3] {
    [rows.div_ceil(ROWS), 1, 1]
}

/// A grid whose threads cover `count` numbers once.
fn grid_over_each(count: usize) -> [usize; 3] {
    grid_over(count.div_ceil(LANES))
}
