//! Between tensor views of the boundary and candle tensors.

use abi_stable::std_types::RVec;
use candle_core::{Device, Tensor};
use physrep_abi::{self as abi, DType, OwnedTensor, TensorView};

use crate::{Error, Result};

/// The candle device that the boundary's number means.
pub(crate) fn device(device: abi::Device) -> Result<Device> {
    match device {
        abi::Device::CPU => Ok(Device::Cpu),
        #[cfg(feature = "cuda")]
        abi::Device { kind: 2, index } => Device::new_cuda(index as usize)
            .map_err(|e| Error::Unsupported(format!("card {index} cannot be used: {e}"))),
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

/// Copies a view in host memory into a tensor.
pub(crate) fn from_view(view: &TensorView<'_>, to: &Device) -> Result<Tensor> {
    if view.device != abi::Device::CPU || view.dtype != DType::F32 {
        return Err(Error::Unsupported(format!(
            "a tensor of {:?} on {:?}; expected f32 in host memory",
            view.dtype, view.device
        )));
    }
    let shape: Vec<usize> = view
        .shape
        .iter()
        .map(|&d| usize::try_from(d))
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| Error::Unsupported(format!("a tensor of shape {:?}", view.shape)))?;
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
    let elements = shape.iter().product();
    // SAFETY: the caller lends `elements` f32 values, contiguous from `data + byte_offset`, for this call.
    let data = unsafe { std::slice::from_raw_parts(view.data.add(view.byte_offset as usize).cast::<f32>(), elements) };
    Ok(Tensor::from_slice(data, shape, to)?)
}

/// Hands a tensor's f32 values over, in host memory.
pub(crate) fn into_owned(tensor: &Tensor) -> Result<OwnedTensor> {
    extern "C" fn release(manager: *mut ()) {
        // SAFETY: `manager` is the box that `into_owned` leaked, and release is called once.
        drop(unsafe { Box::from_raw(manager.cast::<Vec<f32>>()) });
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
        ready: 0,
        manager: Box::into_raw(values).cast(),
        release,
    })
}
