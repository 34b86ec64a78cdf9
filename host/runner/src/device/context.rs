//! A GPU's primary context, in which methods compute too: pinned host memory, and asynchronous copies from it to the GPU.

use std::{
    ffi::{c_int, c_uint},
    ops::{Deref, DerefMut},
    ptr::{self, NonNull},
    slice,
    sync::Arc,
};

use super::driver::{Functions, Handle};

/// `CU_MEMHOSTALLOC_PORTABLE`: pinned for all contexts, not only for the current one.
const PORTABLE: c_uint = 1;
/// `CU_STREAM_NON_BLOCKING`: a stream that does not synchronise with the default stream.
const NON_BLOCKING: c_uint = 1;
/// `CU_EVENT_DISABLE_TIMING`.
const DISABLE_TIMING: c_uint = 2;

/// A primary context and its driver.
#[derive(Debug)]
pub(super) struct Context {
    driver: Functions,
    gpu: u32,
    device: c_int,
    raw: Handle,
}

// SAFETY: the driver's functions are thread-safe, and a context may be current in several threads.
unsafe impl Send for Context {}
// SAFETY: the driver's functions are thread-safe, and a context may be current in several threads.
unsafe impl Sync for Context {}

impl Context {
    /// Opens the primary context of the GPU with index `gpu`. It is retained until the process ends, because methods use it too.
    pub(super) fn open(driver: Functions, gpu: u32) -> Result<Self, String> {
        let (mut device, mut raw) = (0, ptr::null_mut());
        // SAFETY: both pointers are valid for writes of the type that the driver writes.
        unsafe {
            driver.init(0)?;
            driver.device(&mut device, gpu as c_int)?;
            driver.retain_context(&mut raw, device)?;
        }
        Ok(Self { driver, gpu, device, raw })
    }

    /// The driver's handle of the GPU.
    pub(super) fn device(&self) -> c_int {
        self.device
    }

    /// Makes the context current in this thread and returns the driver's functions.
    pub(super) fn driver(&self) -> Result<&Functions, String> {
        // SAFETY: the context lives as long as the process.
        unsafe { self.driver.set_context(self.raw) }?;
        Ok(&self.driver)
    }

    /// Waits until the GPU has finished all work in this context, on all streams.
    pub(super) fn wait(&self) -> Result<(), String> {
        // SAFETY: the context is current, and the function takes no arguments.
        unsafe { self.driver()?.synchronise_context() }
    }

    /// `len` zeros in pinned memory, which the GPU reads directly; pageable memory is first copied by the driver, at a fraction of
    /// the speed.
    pub(super) fn pinned(self: &Arc<Self>, len: usize) -> Result<PinnedBuffer, String> {
        let mut memory = ptr::null_mut();
        // SAFETY: the pointer is valid for writes of the type that the driver writes.
        unsafe { self.driver()?.allocate_host(&mut memory, bytes(len)?, PORTABLE) }?;
        let values = NonNull::new(memory.cast::<f32>()).ok_or("the CUDA driver gave no memory")?;
        // SAFETY: the driver allocated `len` values, aligned to a page.
        unsafe { values.write_bytes(0, len) };
        Ok(PinnedBuffer { values, len, context: self.clone() })
    }
}

/// The bytes of `len` values.
fn bytes(len: usize) -> Result<usize, String> {
    len.checked_mul(size_of::<f32>()).ok_or_else(|| "more memory than there are addresses".into())
}

/// Values in pinned host memory.
#[derive(Debug)]
pub struct PinnedBuffer {
    values: NonNull<f32>,
    len: usize,
    context: Arc<Context>,
}

// SAFETY: it is plain host memory, and this is its only owner.
unsafe impl Send for PinnedBuffer {}

impl Drop for PinnedBuffer {
    fn drop(&mut self) {
        // An error in a destructor cannot be reported.
        let _ = self.context.driver().and_then(|driver| {
            // SAFETY: the driver allocated this memory, and it is no longer borrowed.
            unsafe { driver.free_host(self.values.as_ptr().cast()) }
        });
    }
}

impl Deref for PinnedBuffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: `len` initialised values are allocated there as long as `self` lives.
        unsafe { slice::from_raw_parts(self.values.as_ptr(), self.len) }
    }
}

impl DerefMut for PinnedBuffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: `len` initialised values are allocated there as long as `self` lives, and `self` is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.values.as_ptr(), self.len) }
    }
}

/// A stream for copies that run concurrently with the computation of methods.
#[derive(Debug)]
pub(super) struct CopyStream {
    raw: Handle,
    context: Arc<Context>,
}

// SAFETY: the driver's functions are thread-safe, and a stream may be used from any thread.
unsafe impl Send for CopyStream {}
// SAFETY: the driver's functions are thread-safe, and a stream may be used from any thread.
unsafe impl Sync for CopyStream {}

impl CopyStream {
    pub(super) fn new(context: Arc<Context>) -> Result<Self, String> {
        let mut raw = ptr::null_mut();
        // SAFETY: the pointer is valid for writes of the type that the driver writes.
        unsafe { context.driver()?.create_stream(&mut raw, NON_BLOCKING) }?;
        Ok(Self { raw, context })
    }

    /// The context of the GPU that it copies to.
    pub(super) fn context(&self) -> &Arc<Context> {
        &self.context
    }
}

impl Drop for CopyStream {
    fn drop(&mut self) {
        let _ = self.context.driver().and_then(|driver| {
            // SAFETY: nothing uses the stream any more; the driver finishes its pending work.
            unsafe { driver.destroy_stream(self.raw) }
        });
    }
}

/// Values in pinned memory, and memory on the GPU that they are copied to.
#[derive(Debug)]
pub struct DeviceBuffer {
    values: PinnedBuffer,
    address: u64,
    /// The event that is recorded after the last copy.
    copied: Handle,
    stream: Arc<CopyStream>,
}

// SAFETY: the driver's functions are thread-safe, and this is the only owner of the memory and the event.
unsafe impl Send for DeviceBuffer {}

impl DeviceBuffer {
    /// Allocates memory for `values` on the GPU of `stream`; the error returns `values` with the reason.
    pub(super) fn new(values: PinnedBuffer, stream: &Arc<CopyStream>) -> Result<Self, (PinnedBuffer, String)> {
        let (mut address, mut copied) = (0, ptr::null_mut());
        let allocated = bytes(values.len).and_then(|bytes| {
            let driver = stream.context.driver()?;
            // SAFETY: the pointers are valid for writes of the types that the driver writes; the memory is freed once.
            unsafe {
                driver.allocate(&mut address, bytes, stream.raw)?;
                driver.create_event(&mut copied, DISABLE_TIMING).inspect_err(|_| {
                    let _ = driver.free(address, stream.raw);
                })
            }
        });
        match allocated {
            Ok(()) => Ok(Self { values, address, copied, stream: stream.clone() }),
            Err(why) => Err((values, why)),
        }
    }

    /// The values, for writing, once the last copy has finished.
    pub(super) fn values_mut(&mut self) -> Result<&mut [f32], String> {
        self.wait()?;
        Ok(&mut self.values)
    }

    /// Starts to copy the first `len` values to the GPU.
    pub(super) fn send(&mut self, len: usize) -> Result<(), String> {
        let from = self.values[..len].as_ptr().cast();
        let driver = self.stream.context.driver()?;
        // SAFETY: the memory on the GPU is as large as the values, which are neither changed nor freed before the event `copied`.
        unsafe {
            driver.copy_to_device(self.address, from, bytes(len)?, self.stream.raw)?;
            driver.record_event(self.copied, self.stream.raw)
        }
    }

    fn wait(&self) -> Result<(), String> {
        // SAFETY: the event is valid. One that was never recorded counts as complete.
        unsafe { self.stream.context.driver()?.wait_for_event(self.copied) }
    }

    /// The values in host memory.
    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    /// The index of the GPU.
    pub(crate) fn gpu(&self) -> u32 {
        self.stream.context.gpu
    }

    /// The address of the values in the memory of the GPU.
    pub(crate) fn address(&self) -> u64 {
        self.address
    }

    /// The event after which the copy is complete.
    pub(crate) fn ready_event(&self) -> u64 {
        self.copied as u64
    }
}

impl Drop for DeviceBuffer {
    fn drop(&mut self) {
        let _ = self.wait();
        let _ = self.stream.context.driver().and_then(|driver| {
            // SAFETY: the copy has finished, and no method reads the memory on the GPU any more.
            unsafe {
                driver.destroy_event(self.copied)?;
                driver.free(self.address, self.stream.raw)
            }
        });
    }
}
