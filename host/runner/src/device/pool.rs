//! The driver's memory pool of a GPU, from which tensors of methods and prefetched batches are allocated.

use std::{
    ffi::{c_int, c_void},
    ptr,
};

use physrep_records::Device;

use super::{context::Context, driver};

/// `CU_MEMPOOL_ATTR_RELEASE_THRESHOLD`: bytes of freed memory that the pool keeps.
const RELEASE_THRESHOLD: c_int = 4;
/// `CU_MEMPOOL_ATTR_USED_MEM_HIGH`: the peak of used bytes since this was set to zero.
const USED_MEMORY_HIGH: c_int = 8;

/// This process's memory pool of one GPU.
#[derive(Debug)]
pub struct MemoryPool {
    context: Context,
    raw: driver::Handle,
}

impl MemoryPool {
    /// The pool of `device`; none for the CPU.
    ///
    /// # Errors
    /// The driver's error if it has no such pool.
    pub fn of(device: Device) -> Result<Option<Self>, String> {
        let Device::Cuda(index) = device else { return Ok(None) };
        let (context, mut raw) = (Context::open(driver::load()?, index)?, ptr::null_mut());
        // SAFETY: the pointer is valid for writes of the type that the driver writes.
        unsafe { context.driver()?.default_pool(&mut raw, context.device()) }?;
        Ok(Some(Self { context, raw }))
    }

    /// Keeps freed memory in the pool. Otherwise the driver releases it at every synchronisation, and every training step allocates
    /// it anew.
    ///
    /// # Errors
    /// The driver's error.
    pub fn keep_freed(&self) -> Result<(), String> {
        self.set(RELEASE_THRESHOLD, u64::MAX)
    }

    /// Gives freed memory back to the system.
    ///
    /// # Errors
    /// The driver's error.
    pub fn release_freed(&self) -> Result<(), String> {
        self.set(RELEASE_THRESHOLD, 0)?;
        self.wait() // the pool releases memory when the GPU is waited for
    }

    /// Resets [`peak`](Self::peak).
    ///
    /// # Errors
    /// The driver's error.
    pub fn reset_peak(&self) -> Result<(), String> {
        self.set(USED_MEMORY_HIGH, 0)
    }

    /// The peak of used memory since [`reset_peak`](Self::reset_peak), in bytes.
    ///
    /// # Errors
    /// The driver's error.
    pub fn peak(&self) -> Result<u64, String> {
        let mut bytes = 0u64;
        // SAFETY: the pool lives as long as the process, and the attribute is a 64-bit integer.
        unsafe {
            self.context.driver()?.pool_attribute(self.raw, USED_MEMORY_HIGH, (&raw mut bytes).cast::<c_void>())
        }?;
        Ok(bytes)
    }

    /// Waits until the GPU has finished all work of this process.
    ///
    /// # Errors
    /// The driver's error, which may be that of a kernel.
    pub fn wait(&self) -> Result<(), String> {
        self.context.wait()
    }

    fn set(&self, attribute: c_int, mut value: u64) -> Result<(), String> {
        // SAFETY: the pool lives as long as the process, and the attribute is a 64-bit integer.
        unsafe { self.context.driver()?.set_pool_attribute(self.raw, attribute, (&raw mut value).cast::<c_void>()) }
    }
}

/// Makes the pool of `device` [keep freed memory](MemoryPool::keep_freed), or logs why it cannot.
pub fn keep_freed_memory(device: Device) {
    if let Err(why) = MemoryPool::of(device).and_then(|pool| pool.map_or(Ok(()), |pool| pool.keep_freed())) {
        log::warn!("{device} cannot keep freed memory, so every step allocates it anew, which is slower: {why}");
    }
}
