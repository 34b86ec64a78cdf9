//! Conversion between tensors of the ABI and candle tensors.

use std::slice;

use abi_stable::std_types::RVec;
#[cfg(feature = "cuda")]
use candle_core::DeviceLocation;
use candle_core::{Device, Tensor};
use physrep_abi::{self as abi, DType, OwnedTensor, TensorView};

use crate::{Error, Result};

/// Opens the candle device of an ABI device.
///
/// # Errors
/// [`Error::Unsupported`] if this build or this machine cannot compute there.
pub(crate) fn open_device(device: abi::Device) -> Result<Device> {
    match device {
        abi::Device::CPU => Ok(Device::Cpu),
        #[cfg(feature = "cuda")]
        abi::Device { kind: abi::Device::CUDA_KIND, index } => {
            let device = Device::new_cuda(index as usize)
                .map_err(|e| Error::Unsupported(format!("GPU {index} cannot be used: {e}")))?;
            // SAFETY: a session is called from one thread, and its tensors are used on that thread's stream alone.
            unsafe { device.as_cuda_device()?.disable_event_tracking() };
            Ok(device)
        }
        other => Err(Error::Unsupported(format!(
            "this plugin was built {}; it cannot compute on device kind {} index {}",
            if cfg!(feature = "cuda") {
                "for CUDA and the CPU"
            } else {
                "for the CPU alone, without the feature `cuda`"
            },
            other.kind,
            other.index
        ))),
    }
}

/// Whether views may be in the memory of the GPU that a session computes on.
pub(crate) const ACCEPTS_DEVICE_MEMORY: bool = cfg!(feature = "cuda");

/// Copies a view, in host memory or in that of the GPU `to`, into a tensor on `to`. When it returns, the copy is complete
/// and the view is not read any more.
pub(crate) fn from_view(view: &TensorView<'_>, to: &Device) -> Result<Tensor> {
    let shape: Vec<usize> =
        view.shape.iter().map(|&d| usize::try_from(d)).collect::<std::result::Result<_, _>>().map_err(|_| {
            Error::Unsupported(format!("a tensor of shape {:?}; lengths must not be negative", view.shape))
        })?;
    let mut contiguous = 1;
    let is_contiguous = view.strides.len() == shape.len()
        && shape.iter().zip(view.strides.iter()).rev().all(|(&length, &stride)| {
            let fits = length == 1 || stride == contiguous;
            contiguous *= length as i64;
            fits
        });
    if !is_contiguous {
        return Err(Error::Unsupported(format!(
            "a tensor of shape {:?} with strides {:?}; expected contiguous memory",
            view.shape, view.strides
        )));
    }
    let tensor = match (view.device, view.dtype, to.location()) {
        (abi::Device::CPU, DType::F32, _) => {
            let elements = shape.iter().product();
            // SAFETY: the view borrows `elements` f32 values, contiguous from `data + byte_offset`, for this call.
            let values =
                unsafe { slice::from_raw_parts(view.data.add(view.byte_offset as usize).cast::<f32>(), elements) };
            Tensor::from_slice(values, shape, to)?
        }
        #[cfg(feature = "cuda")]
        (abi::Device { kind: abi::Device::CUDA_KIND, index }, DType::F32, DeviceLocation::Cuda { gpu_id })
            if index as usize == gpu_id =>
        {
            // SAFETY: as above, in the memory of that GPU; contiguity was checked.
            unsafe { copy_on_device(view, shape, to) }?
        }
        (device, dtype, own) => {
            return Err(Error::Unsupported(format!(
                "a tensor of {dtype:?} on {device:?}; expected f32 in host memory, or in that of the session's own GPU ({own:?})"
            )));
        }
    };
    // Copies from pinned memory are asynchronous.
    to.synchronize()?;
    Ok(tensor)
}

/// Copies a view in the memory of the GPU `to` into a tensor there, on the stream that candle computes on.
///
/// # Safety
/// The view is in that GPU's memory, contiguous, of f32 and of that shape, and its event, if any, belongs to that GPU.
#[cfg(feature = "cuda")]
unsafe fn copy_on_device(view: &TensorView<'_>, shape: Vec<usize>, to: &Device) -> Result<Tensor> {
    use candle_core::{
        Storage,
        cuda_backend::{
            WrapErr,
            cudarc::driver::{DevicePtr, result, sys::CUevent_wait_flags::CU_EVENT_WAIT_DEFAULT},
        },
    };

    // SAFETY: every element is written below before the tensor is returned.
    let tensor = unsafe { Tensor::empty(shape, candle_core::DType::F32, to) }?;
    {
        let (storage, _) = tensor.storage_and_layout();
        let Storage::Cuda(storage) = &*storage else { unreachable!("the tensor was created on a GPU") };
        let stream = storage.device.cuda_stream();
        let (address, _in_use) = storage.as_cuda_slice::<f32>()?.device_ptr(&stream);
        let from = view.data as u64 + view.byte_offset;
        // SAFETY: by the caller's contract `from` is readable once the event has happened; the new tensor is as long, and
        // nothing else refers to it yet.
        unsafe {
            if view.ready_event != 0 {
                result::stream::wait_event(stream.cu_stream(), view.ready_event as _, CU_EVENT_WAIT_DEFAULT).w()?;
            }
            result::memcpy_dtod_async(address, from, 4 * tensor.elem_count(), stream.cu_stream()).w()?;
        }
    }
    Ok(tensor)
}

/// Copies a tensor's f32 values to host memory that the caller owns.
pub(crate) fn into_owned(tensor: &Tensor) -> Result<OwnedTensor> {
    extern "C" fn release(owner: *mut ()) {
        // SAFETY: `owner` is the box that `into_owned` leaked, and `release` is called once.
        drop(unsafe { Box::from_raw(owner.cast::<Vec<f32>>()) });
    }
    let tensor = tensor.contiguous()?;
    let values = Box::new(tensor.flatten_all()?.to_vec1::<f32>()?);
    let shape: RVec<i64> = tensor.dims().iter().map(|&d| d as i64).collect();
    Ok(OwnedTensor {
        data: values.as_ptr().cast(),
        device: abi::Device::CPU,
        dtype: DType::F32,
        shape,
        strides: tensor.stride().iter().map(|&s| s as i64).collect(),
        byte_offset: 0,
        ready_event: 0,
        owner: Box::into_raw(values).cast(),
        release,
    })
}
