//! How kernels get at candle's CPU memory: slices of the right type, or an error that says why not.

use candle_core::{CpuStorage, DType, Layout, Result, Storage, Tensor, bail};

use crate::float::Float;

/// Runs `$body` with `$T` standing for the number type that `$dtype` names.
macro_rules! by_dtype {
    ($op:expr, $dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            candle_core::DType::F32 => {
                type $T = f32;
                $body
            }
            candle_core::DType::F64 => {
                type $T = f64;
                $body
            }
            other => Err($crate::cpu::unsupported($op, other)),
        }
    };
}
pub(crate) use by_dtype;

pub(crate) fn unsupported(op: &str, dtype: DType) -> candle_core::Error {
    candle_core::Error::Msg(format!("{op} works in f32 and f64, not in {dtype:?}: convert its inputs with to_dtype"))
}

/// The elements of a contiguous tensor.
pub(crate) fn slice<'a, T: Float>(op: &str, storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    let Ok(all) = T::cpu_storage_as_slice(storage) else {
        bail!("{op}: all inputs must be {:?}, as the first is", T::DTYPE)
    };
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&all[start..end]),
        None => bail!("{op} needs contiguous inputs, not strides {:?}", layout.stride()),
    }
}

/// The elements of a contiguous tensor, to be written.
pub(crate) fn slice_mut<'a, T: Float>(op: &str, storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [T]> {
    match (T::storage_mut(storage), layout.contiguous_offsets()) {
        (Some(all), Some((start, end))) => Ok(&mut all[start..end]),
        _ => bail!("{op} changes contiguous tensors of {:?} only", T::DTYPE),
    }
}

/// Calls `f` with the elements of `tensor`, which is made contiguous first if it is not.
pub(crate) fn with_slice<T: Float, R>(op: &str, tensor: &Tensor, f: impl FnOnce(&[T]) -> Result<R>) -> Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => f(slice(op, storage, layout)?),
        _ => bail!("{op} has no backward pass on {:?}: train on the CPU", tensor.device()),
    }
}
