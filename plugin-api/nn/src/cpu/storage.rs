//! The elements of candle tensors in CPU memory, as slices.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, DType, Layout, Result, Storage, Tensor, bail};

use super::scalar::Scalar;

/// Runs `$body` with `$T` as an alias of the Rust type of `$dtype`, which must be F32 or F64.
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
            other => Err($crate::cpu::storage::unsupported($op, other)),
        }
    };
}
pub(crate) use by_dtype;

/// The error for a tensor of a type that CPU kernels do not have.
pub(crate) fn unsupported(op: &str, dtype: DType) -> candle_core::Error {
    candle_core::Error::Msg(format!(
        "{op}: expected f32 or f64 on the CPU, got {dtype:?}: convert the inputs with to_dtype"
    ))
}

/// The elements of a contiguous tensor.
///
/// # Errors
/// If the tensor has another type, or is not contiguous.
pub(crate) fn slice<'a, T: Scalar>(op: &str, storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    let Ok(all) = T::cpu_storage_as_slice(storage) else {
        bail!(
            "{op}: expected all inputs to be {:?}, as the first, got {:?}: convert with to_dtype",
            T::DTYPE,
            storage.dtype()
        )
    };
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&all[start..end]),
        None => bail!("{op}: expected contiguous inputs, got strides {:?}: call contiguous()", layout.stride()),
    }
}

/// The elements of a contiguous tensor, to be written; errors as [`slice`].
pub(crate) fn slice_mut<'a, T: Scalar>(op: &str, storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [T]> {
    match (T::storage_mut(storage), layout.contiguous_offsets()) {
        (Some(all), Some((start, end))) => Ok(&mut all[start..end]),
        _ => bail!("{op}: expected a contiguous {:?} tensor to change in place", T::DTYPE),
    }
}

/// Calls `f` with the elements of `tensor`, which is made contiguous first if it is not.
pub(crate) fn with_slice<T: Scalar, R>(op: &str, tensor: &Tensor, f: impl FnOnce(&[T]) -> Result<R>) -> Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => f(slice(op, storage, layout)?),
        _ => bail!("{op}: no backward pass on {:?}: train on the CPU", tensor.device()),
    }
}
