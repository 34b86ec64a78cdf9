//! The memory of tensors on a GPU.

use candle_core::{CudaStorage, Layout, Result, Storage, StorageRef, bail};

/// The CUDA storages of tensors, for as long as they are locked.
pub(crate) fn on_gpu<'a>(
    op: &str,
    inputs: &'a [(StorageRef<'a>, &'a Layout)],
) -> Result<Vec<(&'a CudaStorage, &'a Layout)>> {
    let on_gpu = inputs.iter().enumerate().map(|(index, (storage, layout))| match &**storage {
        Storage::Cuda(storage) => Ok((storage, *layout)),
        other => bail!("{op}: expected all inputs on a GPU, got input {index} on {:?}", other.device().location()),
    });
    on_gpu.collect()
}
