//! The pool that a GPU's driver gives memory from: to methods for their tensors, and to the batches that wait on the GPU.

use std::{
    ffi::{c_int, c_void},
    ptr,
};

use physrep_records::Device;

use super::{context::Context, driver};

/// How much freed memory the pool holds on to.
const RELEASE_THRESHOLD: c_int = 4;
/// The most memory that was in use since this was set to zero.
const HIGH_MARK: c_int = 8;

/// This process's pool of memory of one gpu.
#[derive(Debug)]
pub struct MemoryPool {
    context: Context,
    raw: driver::Handle,
}

impl MemoryPool {
    /// That of `device`; the CPU has none.
    ///
    /// # Errors
    /// What the driver says if there is no such pool.
    pub fn of(device: Device) -> Result<Option<Self>, String> {
        let Device::Cuda(index) = device else { return Ok(None) };
        let (context, mut raw) = (Context::open(driver::load()?, index)?, ptr::null_mut());
        // SAFETY: the place is of the type that the driver writes, and lives.
        unsafe { context.driver()?.default_pool(&mut raw, context.device()) }?;
        Ok(Some(Self { context, raw }))
    }

    /// Keeps what is freed for whoever asks next. Otherwise the driver takes it back at every wait for the GPU, and a step
    /// of training begins by asking for all of it anew.
    ///
    /// # Errors
    /// What the driver says.
    pub fn keep_freed(&self) -> Result<(), String> {
        self.set(RELEASE_THRESHOLD, u64::MAX)
    }

    /// Begins to watch for [`peak`](Self::peak).
    ///
    /// # Errors
    /// What the driver says.
    pub fn watch(&self) -> Result<(), String> {
        self.set(HIGH_MARK, 0)
    }

    /// The most memory that was in use since [`watch`](Self::watch), in bytes.
    ///
    /// # Errors
    /// What the driver says.
    pub fn peak(&self) -> Result<u64, String> {
        let mut bytes = 0u64;
        // SAFETY: the pool lives as long as the process, and the attribute is a 64-bit number.
        unsafe { self.context.driver()?.pool_attribute(self.raw, HIGH_MARK, (&raw mut bytes).cast::<c_void>()) }?;
        Ok(bytes)
    }

    /// Waits until the GPU has done all that this process has asked of it.
    ///
    /// # Errors
    /// What the driver says, which may be what a kernel failed with.
    pub fn wait(&self) -> Result<(), String> {
        self.context.wait()
    }

    fn set(&self, attribute: c_int, mut value: u64) -> Result<(), String> {
        // SAFETY: as above.
        unsafe { self.context.driver()?.set_pool_attribute(self.raw, attribute, (&raw mut value).cast::<c_void>()) }
    }
}

/// Lets the pool of `device` [keep freed memory](MemoryPool::keep_freed), or logs why it cannot.
pub fn keep_freed_memory(device: Device) {
    if let Err(why) = MemoryPool::of(device).and_then(|pool| pool.map_or(Ok(()), |pool| pool.keep_freed())) {
        log::warn!("every step asks the driver of {device} for its memory again, which is slower: {why}");
    }
}
