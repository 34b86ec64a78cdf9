//! Carries plans out on a card.

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::{DevicePtr, LaunchConfig, PushKernelArg, SyncOnDrop};
use candle_core::cuda_backend::{CudaStorageSlice, WrapErr};
use candle_core::{CudaDevice, CudaStorage, DType, Layout, Result, Shape, Storage, Tensor, bail};
use half::bf16;

use super::{Argument, Kind, Plan};

/// The kernels for activations of one type: name and PTX, which the driver compiles for its card at the first launch.
const F32: (&str, &str) = ("physrep_nn_f32", include_str!("ptx/kernels.f32.ptx"));
const BF16: (&str, &str) = ("physrep_nn_bf16", include_str!("ptx/kernels.bf16.ptx"));

/// The plan's output, from tensors.
pub(crate) fn run_on(plan: &Plan, inputs: &[Tensor]) -> Result<(CudaStorage, Shape)> {
    let inputs: Vec<_> = inputs.iter().map(Tensor::storage_and_layout).collect();
    let on_card = inputs.iter().map(|(storage, layout)| match &**storage {
        Storage::Cuda(storage) => Ok((storage, *layout)),
        _ => bail!("{}: an input is not on the card", plan.op),
    });
    run(plan, &on_card.collect::<Result<Vec<_>>>()?)
}

/// The plan's output, from its inputs.
pub(crate) fn run(plan: &Plan, inputs: &[(&CudaStorage, &Layout)]) -> Result<(CudaStorage, Shape)> {
    let activations = activations(plan, inputs)?;
    let device = inputs[0].0.device();
    let count = plan.shape.elem_count();
    // SAFETY: the plan's kernels write every element of its output.
    let slice = unsafe {
        match (plan.output, activations) {
            (Kind::Element, DType::BF16) => CudaStorageSlice::BF16(device.alloc::<bf16>(count)?),
            _ => CudaStorageSlice::F32(device.alloc::<f32>(count)?),
        }
    };
    let output = CudaStorage { slice, device: device.clone() };
    let layout = Layout::contiguous(&plan.shape);
    launch(plan, activations, inputs, Some((&output, &layout)))?;
    Ok((output, plan.shape.clone()))
}

/// A plan without an output, which changes its first input. The caller has that to itself.
pub(crate) fn in_place(plan: &Plan, inputs: [(&CudaStorage, &Layout); 2]) -> Result<()> {
    let activations = activations(plan, &inputs)?;
    launch(plan, activations, &inputs, None)
}

/// The type of the activations among the inputs.
fn activations(plan: &Plan, inputs: &[(&CudaStorage, &Layout)]) -> Result<DType> {
    let mut activations = None;
    if plan.inputs.len() != inputs.len() {
        bail!("{}: {} inputs, expected {}", plan.op, inputs.len(), plan.inputs.len());
    }
    for (number, (kind, (storage, _))) in plan.inputs.iter().zip(inputs).enumerate() {
        let dtype = storage.dtype();
        let expected = match kind {
            Kind::Float => DType::F32,
            Kind::Element => *activations.get_or_insert(dtype),
        };
        if dtype != expected || !matches!(dtype, DType::F32 | DType::BF16) {
            bail!(
                "{}: on CUDA parameters must be F32, and activations all F32 or all BF16; input {number} is {dtype:?}",
                plan.op
            );
        }
    }
    Ok(activations.unwrap_or(DType::F32))
}

/// Where a contiguous tensor's elements lie. The memory counts as in use until the guard is dropped.
fn pointer<'a>(op: &str, storage: &'a CudaStorage, layout: &Layout) -> Result<(u64, SyncOnDrop<'a>)> {
    let Some((start, _)) = layout.contiguous_offsets() else {
        bail!("{op} needs contiguous inputs, not strides {:?}", layout.stride());
    };
    let (base, guard) = match &storage.slice {
        CudaStorageSlice::F32(slice) => slice.device_ptr(slice.stream()),
        CudaStorageSlice::BF16(slice) => slice.device_ptr(slice.stream()),
        _ => bail!("{op} works in F32 and BF16 on CUDA, not in {:?}", storage.dtype()),
    };
    Ok((base + (start * storage.dtype().size_in_bytes()) as u64, guard))
}

fn launch(
    plan: &Plan,
    activations: DType,
    inputs: &[(&CudaStorage, &Layout)],
    output: Option<(&CudaStorage, &Layout)>,
) -> Result<()> {
    let device: &CudaDevice = inputs[0].0.device();
    let (module, ptx) = if activations == DType::BF16 { BF16 } else { F32 };
    // SAFETY: scratch memory is written before it is read.
    let scratch = unsafe { device.alloc::<f32>(plan.scratch.max(1)) }?;
    let (scratch_at, _in_use) = scratch.device_ptr(scratch.stream());
    let inputs =
        inputs.iter().map(|(storage, layout)| pointer(plan.op, storage, layout)).collect::<Result<Vec<_>>>()?;
    let output_at = output.map(|(storage, layout)| pointer(plan.op, storage, layout)).transpose()?;
    let output_size = output.map_or(0, |(storage, _)| storage.dtype().size_in_bytes());
    for launch in plan.launches.iter().filter(|launch| !launch.grid.contains(&0)) {
        let function = device.get_or_load_custom_func(launch.kernel, module, ptx)?;
        let pointers: Vec<u64> = launch
            .arguments
            .iter()
            .map(|argument| match argument {
                Argument::Input(number) => inputs[*number].0,
                Argument::Output(offset) => output_at.as_ref().map_or(0, |(at, _)| at + (offset * output_size) as u64),
                Argument::Scratch(offset) => scratch_at + 4 * *offset as u64,
                Argument::Size(_) | Argument::Sizes(_) | Argument::Number(_) => 0,
            })
            .collect();
        let mut builder = function.builder();
        for (argument, pointer) in launch.arguments.iter().zip(&pointers) {
            match argument {
                Argument::Size(size) => builder.arg(size),
                // A struct by value: the driver copies as many bytes from here as the kernel declares.
                Argument::Sizes(sizes) => builder.arg(&sizes[0]),
                Argument::Number(number) => builder.arg(number),
                _ => builder.arg(pointer),
            };
        }
        let [grid, block] = [launch.grid, launch.block].map(|[x, y, z]| (x, y, z));
        let config = LaunchConfig { grid_dim: grid, block_dim: block, shared_mem_bytes: 0 };
        // SAFETY: the plan's arguments are those that the kernel declares; `emulation` tests each plan with its kernels.
        unsafe { builder.launch(config) }.w()?;
    }
    Ok(())
}
