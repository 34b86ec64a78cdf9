//! Runs plans on a GPU.

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::sys::CUfunction_attribute_enum;
use candle_core::cuda_backend::cudarc::driver::{DevicePtr, LaunchConfig, PushKernelArg, SyncOnDrop};
use candle_core::cuda_backend::{CudaStorageSlice, WrapErr};
use candle_core::op::BackpropOp;
use candle_core::{CudaDevice, CudaStorage, DType, Layout, Result, Shape, Storage, Tensor, bail};
use half::bf16;

use super::plan::{Argument, Kind, Plan};
use super::storage::on_gpu;

/// The kernels for one type of activations: the name of the module and its PTX, which the driver compiles for the GPU
/// at the first launch.
const F32: (&str, &str) = ("physrep_nn_f32", include_str!("kernels/ptx/kernels.f32.ptx"));
const BF16: (&str, &str) = ("physrep_nn_bf16", include_str!("kernels/ptx/kernels.bf16.ptx"));

/// The outputs of a plan, from contiguous tensors.
pub(crate) fn run_on(plan: &Plan, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
    let inputs: Vec<_> = inputs.iter().map(Tensor::storage_and_layout).collect();
    let outputs = run_all(plan, &on_gpu(plan.op, &inputs)?)?;
    let tensors = outputs.into_iter().zip(&plan.outputs).map(|(storage, (_, shape))| {
        Tensor::from_storage(Storage::Cuda(storage), shape.clone(), BackpropOp::none(), false)
    });
    Ok(tensors.collect())
}

/// The output of a plan with one output.
pub(crate) fn run(plan: &Plan, inputs: &[(&CudaStorage, &Layout)]) -> Result<(CudaStorage, Shape)> {
    let mut outputs = run_all(plan, inputs)?;
    match (outputs.pop(), plan.outputs.as_slice()) {
        (Some(output), [(_, shape)]) => Ok((output, shape.clone())),
        (_, outputs) => bail!("{}: expected a plan of one output, got {}", plan.op, outputs.len()),
    }
}

fn run_all(plan: &Plan, inputs: &[(&CudaStorage, &Layout)]) -> Result<Vec<CudaStorage>> {
    let activations = activations(plan, inputs)?;
    let device = inputs[0].0.device();
    let outputs = plan.outputs.iter().map(|(kind, shape)| {
        let count = shape.elem_count();
        // SAFETY: the memory is not initialised; the kernels of the plan write every element of its outputs.
        let slice = unsafe {
            match (kind, activations) {
                (Kind::Element, DType::BF16) => CudaStorageSlice::BF16(device.alloc::<bf16>(count)?),
                _ => CudaStorageSlice::F32(device.alloc::<f32>(count)?),
            }
        };
        Ok(CudaStorage { slice, device: device.clone() })
    });
    let outputs = outputs.collect::<Result<Vec<_>>>()?;
    launch(plan, activations, inputs, &outputs)?;
    Ok(outputs)
}

/// Runs a plan without outputs, which changes some of its contiguous inputs in place. No other code may use these
/// meanwhile.
///
/// Only the memory of the GPU changes, in the order of the device's only stream; the storage on the host, which holds
/// the address, does not. A read lock on candle's storages is therefore enough: it keeps the memory from being freed or
/// replaced until the kernels are launched, and later frees and reads follow them on the stream.
pub(crate) fn in_place(plan: &Plan, inputs: &[&Tensor]) -> Result<()> {
    let inputs: Vec<_> = inputs.iter().map(|input| input.storage_and_layout()).collect();
    let inputs = on_gpu(plan.op, &inputs)?;
    launch(plan, activations(plan, &inputs)?, &inputs, &[])
}

/// The type of the activations among the inputs.
fn activations(plan: &Plan, inputs: &[(&CudaStorage, &Layout)]) -> Result<DType> {
    let mut activations = None;
    if plan.inputs.len() != inputs.len() {
        bail!("{}: expected {} inputs, got {}", plan.op, plan.inputs.len(), inputs.len());
    }
    for (index, (kind, (storage, _))) in plan.inputs.iter().zip(inputs).enumerate() {
        let dtype = storage.dtype();
        let expected = match kind {
            Kind::Float => DType::F32,
            Kind::Element => *activations.get_or_insert(dtype),
        };
        if dtype != expected || !matches!(dtype, DType::F32 | DType::BF16) {
            bail!(
                "{}: on a GPU expected F32 parameters, and activations all F32 or all BF16; input {index} is {dtype:?}",
                plan.op
            );
        }
    }
    Ok(activations.unwrap_or(DType::F32))
}

/// The address of the elements of a contiguous tensor. The memory counts as in use until the guard is dropped.
fn pointer<'a>(op: &str, storage: &'a CudaStorage, layout: &Layout) -> Result<(u64, SyncOnDrop<'a>)> {
    let Some((start, _)) = layout.contiguous_offsets() else {
        bail!("{op}: expected contiguous inputs, got strides {:?}", layout.stride());
    };
    let (base, guard) = match &storage.slice {
        CudaStorageSlice::F32(slice) => slice.device_ptr(slice.stream()),
        CudaStorageSlice::BF16(slice) => slice.device_ptr(slice.stream()),
        _ => bail!("{op}: expected F32 or BF16 on a GPU, got {:?}", storage.dtype()),
    };
    Ok((base + (start * storage.dtype().size_in_bytes()) as u64, guard))
}

fn launch(plan: &Plan, activations: DType, inputs: &[(&CudaStorage, &Layout)], outputs: &[CudaStorage]) -> Result<()> {
    let device: &CudaDevice = inputs[0].0.device();
    let (module, ptx) = if activations == DType::BF16 { BF16 } else { F32 };
    // SAFETY: the memory is not initialised; kernels write scratch memory before they read it.
    let scratch = (plan.scratch > 0).then(|| unsafe { device.alloc::<f32>(plan.scratch) }).transpose()?;
    let scratch_at = scratch.as_ref().map(|scratch| scratch.device_ptr(scratch.stream()));
    let scratch_at = scratch_at.as_ref().map_or(0, |(at, _)| *at);
    let inputs =
        inputs.iter().map(|(storage, layout)| pointer(plan.op, storage, layout)).collect::<Result<Vec<_>>>()?;
    let layouts: Vec<Layout> = plan.outputs.iter().map(|(_, shape)| Layout::contiguous(shape)).collect();
    let outputs = outputs.iter().zip(&layouts).map(|(storage, layout)| {
        let size = storage.dtype().size_in_bytes();
        pointer(plan.op, storage, layout).map(|(at, in_use)| (at, size, in_use))
    });
    let outputs = outputs.collect::<Result<Vec<_>>>()?;
    for launch in plan.launches.iter().filter(|launch| !launch.grid.contains(&0)) {
        let function = device.get_or_load_custom_func(launch.kernel, module, ptx)?;
        let pointers: Vec<u64> = launch
            .arguments
            .iter()
            .map(|argument| match argument {
                Argument::Input(index) => inputs[*index].0,
                Argument::Output(index, offset) => {
                    let (at, size, _) = &outputs[*index];
                    at + (offset * size) as u64
                }
                Argument::Scratch(offset) => scratch_at + 4 * *offset as u64,
                Argument::Null | Argument::Size(_) | Argument::Sizes(_) | Argument::Scalar(_) => 0,
            })
            .collect();
        if launch.shared > 48 << 10 {
            let most = CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            function.set_attribute(most, launch.shared as i32).w()?;
        }
        let mut builder = function.builder();
        for (argument, pointer) in launch.arguments.iter().zip(&pointers) {
            match argument {
                Argument::Size(size) => builder.arg(size),
                // A struct by value: the driver copies as many bytes from this address as the kernel declares.
                Argument::Sizes(sizes) => builder.arg(&sizes[0]),
                Argument::Scalar(value) => builder.arg(value),
                _ => builder.arg(pointer),
            };
        }
        let [grid, block] = [launch.grid, launch.block].map(|[x, y, z]| (x, y, z));
        let config = LaunchConfig { grid_dim: grid, block_dim: block, shared_mem_bytes: launch.shared };
        // SAFETY: the arguments have the number and types that the kernel declares, which the tests check for each
        // plan.
        unsafe { builder.launch(config) }.w()?;
    }
    Ok(())
}
