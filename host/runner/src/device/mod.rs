//! Devices: the selection of one, the CUDA driver and its GPUs, memory pools, and staging of batches in pinned, device and shared
//! memory.

mod context;
mod driver;
mod gpus;
mod pool;
mod selection;
mod shared_memory;
mod staging;

pub use gpus::{CudaDriver, Gpu, VISIBLE, cuda_compiler, describe};
pub use pool::{MemoryPool, keep_freed_memory};
pub use selection::DeviceSelection;
pub(crate) use shared_memory::{Part, SharedClips, SharedMemory};
pub(crate) use staging::Announce;
pub use staging::{BatchBuffer, BatchRef, MemoryKind, Staging};

/// Opens the context of the GPU with this index, and waits for what it has to do.
///
/// # Errors
///
/// The reason why it does not work.
pub(crate) fn open_context(gpu: u32) -> Result<(), String> {
    context::Context::open(driver::load()?, gpu)?.wait()
}
