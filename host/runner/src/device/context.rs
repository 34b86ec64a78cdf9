//! A GPU's primary context, which is the one that methods compute in: pinned memory, and copies from it to the GPU.

use std::{
    ffi::{c_int, c_uint},
    ops::{Deref, DerefMut},
    ptr::{self, NonNull},
    slice,
    sync::Arc,
};

use super::driver::{Functions, Handle};

/// Memory for every GPU's context, not only for the one that it was asked for in.
const PORTABLE: c_uint = 1;
/// A stream that waits for none that methods compute on, and for which none of them waits.
const NON_BLOCKING: c_uint = 1;
/// An event that keeps no time.
const WITHOUT_TIME: c_uint = 2;

/// The context, and the driver that it is of.
#[derive(Debug)]
pub(super) struct Context {
    driver: Functions,
    gpu: u32,
    device: c_int,
    raw: Handle,
}

// SAFETY: the driver's functions may be called from any thread, and a context be current in several.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Context {
    /// That of the GPU of that number. It is kept until the process ends, as methods keep it.
    pub(super) fn open(driver: Functions, gpu: u32) -> Result<Self, String> {
        let (mut device, mut raw) = (0, ptr::null_mut());
        // SAFETY: both places are of the type that the driver writes, and live.
        unsafe {
            driver.init(0)?;
            driver.device(&mut device, gpu as c_int)?;
            driver.retain_context(&mut raw, device)?;
        }
        Ok(Self { driver, gpu, device, raw })
    }

    /// What the driver calls the GPU.
    pub(super) fn device(&self) -> c_int {
        self.device
    }

    /// The driver's functions, which from now on work in this context when this thread calls them.
    pub(super) fn driver(&self) -> Result<&Functions, String> {
        // SAFETY: the context lives as long as the process.
        unsafe { self.driver.set_context(self.raw) }?;
        Ok(&self.driver)
    }

    /// Waits until the GPU has done all that was asked of it in this context, on whichever stream.
    pub(super) fn wait(&self) -> Result<(), String> {
        // SAFETY: the context is current, and takes no arguments.
        unsafe { self.driver()?.synchronise_context() }
    }

    /// `len` zeros in pinned memory, from which a GPU fetches by itself; from other memory the driver first copies
    /// to a place of its own, at a fraction of the speed.
    pub(super) fn pinned(self: &Arc<Self>, len: usize) -> Result<PinnedBuffer, String> {
        let mut memory = ptr::null_mut();
        // SAFETY: the place is of the type that the driver writes, and lives.
        unsafe { self.driver()?.allocate_host(&mut memory, bytes(len)?, PORTABLE) }?;
        let values = NonNull::new(memory.cast::<f32>()).ok_or("the CUDA driver gave no memory")?;
        // SAFETY: the driver gave so many bytes, at the start of a page.
        unsafe { values.write_bytes(0, len) };
        Ok(PinnedBuffer { values, len, context: self.clone() })
    }
}

/// The bytes of `len` values.
fn bytes(len: usize) -> Result<usize, String> {
    len.checked_mul(size_of::<f32>()).ok_or_else(|| "more memory than there are addresses".into())
}

/// Values in memory of the host that a GPU can fetch them from.
#[derive(Debug)]
pub struct PinnedBuffer {
    values: NonNull<f32>,
    len: usize,
    context: Arc<Context>,
}

// SAFETY: it is memory like any other, and this is its only owner.
unsafe impl Send for PinnedBuffer {}

impl Drop for PinnedBuffer {
    fn drop(&mut self) {
        // SAFETY: the driver gave this memory, and nobody borrows it any more. An error has nobody to go to.
        let _ = self.context.driver().and_then(|driver| unsafe { driver.free_host(self.values.as_ptr().cast()) });
    }
}

impl Deref for PinnedBuffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: so many values lie there, set to zero when they came, for as long as `self` lives.
        unsafe { slice::from_raw_parts(self.values.as_ptr(), self.len) }
    }
}

impl DerefMut for PinnedBuffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and nobody else has them.
        unsafe { slice::from_raw_parts_mut(self.values.as_ptr(), self.len) }
    }
}

/// A stream for copies, which run beside what methods compute.
#[derive(Debug)]
pub(super) struct CopyStream {
    raw: Handle,
    context: Arc<Context>,
}

// SAFETY: as for the context.
unsafe impl Send for CopyStream {}
// SAFETY: as for the context.
unsafe impl Sync for CopyStream {}

impl CopyStream {
    pub(super) fn new(context: Arc<Context>) -> Result<Self, String> {
        let mut raw = ptr::null_mut();
        // SAFETY: the place is of the type that the driver writes, and lives.
        unsafe { context.driver()?.create_stream(&mut raw, NON_BLOCKING) }?;
        Ok(Self { raw, context })
    }

    /// Of the GPU that it copies to.
    pub(super) fn context(&self) -> &Arc<Context> {
        &self.context
    }
}

impl Drop for CopyStream {
    fn drop(&mut self) {
        // SAFETY: the stream is used no more; what it has begun it ends.
        let _ = self.context.driver().and_then(|driver| unsafe { driver.destroy_stream(self.raw) });
    }
}

/// Page-locked values, and a place on the GPU that they are copied to.
#[derive(Debug)]
pub struct DeviceBuffer {
    values: PinnedBuffer,
    address: u64,
    /// Happens when the last copy has ended.
    ended: Handle,
    stream: Arc<CopyStream>,
}

// SAFETY: as for the context; the place on the GPU has this one owner.
unsafe impl Send for DeviceBuffer {}

impl DeviceBuffer {
    /// With a place for `values` on the GPU of `stream`; if there is none, `values` come back with the reason.
    pub(super) fn new(values: PinnedBuffer, stream: &Arc<CopyStream>) -> Result<Self, (PinnedBuffer, String)> {
        let (mut address, mut ended) = (0, ptr::null_mut());
        let allocated = bytes(values.len).and_then(|bytes| {
            let driver = stream.context.driver()?;
            // SAFETY: the places are of the types that the driver writes, and live; the memory is freed once.
            unsafe {
                driver.allocate(&mut address, bytes, stream.raw)?;
                driver.create_event(&mut ended, WITHOUT_TIME).inspect_err(|_| {
                    let _ = driver.free(address, stream.raw);
                })
            }
        });
        match allocated {
            Ok(()) => Ok(Self { values, address, ended, stream: stream.clone() }),
            Err(why) => Err((values, why)),
        }
    }

    /// The values, to be written, as soon as the last copy has read them.
    pub(super) fn values_mut(&mut self) -> Result<&mut [f32], String> {
        self.wait()?;
        Ok(&mut self.values)
    }

    /// Begins to copy the first `len` values.
    pub(super) fn send(&mut self, len: usize) -> Result<(), String> {
        let from = self.values[..len].as_ptr().cast();
        let driver = self.stream.context.driver()?;
        // SAFETY: the GPU's memory is as large as the values. They are neither changed nor freed before `ended`.
        unsafe {
            driver.copy_to_device(self.address, from, bytes(len)?, self.stream.raw)?;
            driver.record_event(self.ended, self.stream.raw)
        }
    }

    fn wait(&self) -> Result<(), String> {
        // SAFETY: the event lives. One that was never recorded has happened.
        unsafe { self.stream.context.driver()?.wait_for_event(self.ended) }
    }

    /// The values, in the host's memory.
    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    /// The number of the GPU.
    pub(crate) fn gpu(&self) -> u32 {
        self.stream.context.gpu
    }

    /// Where they lie in its memory.
    pub(crate) fn address(&self) -> u64 {
        self.address
    }

    /// The event after which they lie there.
    pub(crate) fn ended(&self) -> u64 {
        self.ended as u64
    }
}

impl Drop for DeviceBuffer {
    fn drop(&mut self) {
        let _ = self.wait();
        // SAFETY: the copy has ended, and no method reads the GPU's memory any more.
        let _ = self.stream.context.driver().and_then(|driver| unsafe {
            driver.destroy_event(self.ended)?;
            driver.free(self.address, self.stream.raw)
        });
    }
}
