//! Devices: which there are, the CUDA driver, memory that a GPU can fetch from, and where batches wait for a method.

mod selection;
mod context;
mod driver;
mod gpus;
mod pool;
mod staging;

pub use selection::DeviceSelection;
pub use gpus::{CudaDriver, Gpu, cuda_compiler, describe};
pub use pool::{MemoryPool, keep_freed_memory};
pub use staging::{BatchBuffer, BatchRef, MemoryKind, Staging};
