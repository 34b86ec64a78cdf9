//! Memory that batches wait in: for a card it is page-locked, so that the card fetches them by itself.
//!
//! From other memory the driver first copies to a place of its own, at a fraction of the speed.

use std::{
    ffi::{c_int, c_uint, c_void},
    ops::{Deref, DerefMut},
    ptr::NonNull,
    slice,
    sync::Arc,
};

use libloading::Library;

use super::{Device, check, driver, function};

/// Memory for every card's context, not only for the one that it was asked for in.
const PORTABLE: c_uint = 1;

/// Where the memory of batches comes from.
#[derive(Clone, Debug)]
pub enum Staging {
    /// The heap.
    Heap,
    /// The driver of a card.
    PageLocked(Arc<Card>),
}

impl Staging {
    /// For batches that `device` computes on. If the driver has no page-locked memory to give, it is the heap, and the
    /// reason comes back, too.
    pub fn on(device: Device) -> (Self, Option<String>) {
        match device {
            Device::Cpu => (Self::Heap, None),
            Device::Cuda(index) => match driver().and_then(|driver| Self::page_locked(driver, index)) {
                Ok(staging) => (staging, None),
                Err(why) => (Self::Heap, Some(format!("batches are not page-locked: {why}"))),
            },
        }
    }

    /// Memory of `driver`, the CUDA driver, for the card of that number.
    ///
    /// # Errors
    /// What the driver says if it does not give any.
    pub fn page_locked(driver: Library, index: u32) -> Result<Self, String> {
        Ok(Self::PageLocked(Arc::new(Card::open(driver, index)?)))
    }

    /// `len` zeros.
    ///
    /// # Errors
    /// What the driver says if it has no such memory.
    pub fn zeros(&self, len: usize) -> Result<Buffer, String> {
        match self {
            Self::PageLocked(card) if len > 0 => card.zeros(len).map(Buffer::PageLocked),
            _ => Ok(Buffer::Heap(vec![0.0; len])),
        }
    }
}

type Allocate = unsafe extern "C" fn(*mut *mut c_void, usize, c_uint) -> c_int;
type Free = unsafe extern "C" fn(*mut c_void) -> c_int;
type SetContext = unsafe extern "C" fn(*mut c_void) -> c_int;

/// A card's primary context, which is the one that methods compute in, and the driver's functions for memory of the host.
#[derive(Debug)]
pub struct Card {
    context: *mut c_void,
    set_context: SetContext,
    allocate: Allocate,
    free: Free,
    /// Holds the functions.
    _driver: Library,
}

// SAFETY: the driver's functions may be called from any thread, and a context be current in several.
unsafe impl Send for Card {}
// SAFETY: as above.
unsafe impl Sync for Card {}

impl Card {
    fn open(driver: Library, index: u32) -> Result<Self, String> {
        // SAFETY: the signatures are those of the CUDA driver's interface. The primary context is kept until the process
        // ends, as methods keep it.
        unsafe {
            let init = *function::<unsafe extern "C" fn(c_uint) -> c_int>(&driver, c"cuInit")?;
            let get = *function::<unsafe extern "C" fn(*mut c_int, c_int) -> c_int>(&driver, c"cuDeviceGet")?;
            let retain = *function::<unsafe extern "C" fn(*mut *mut c_void, c_int) -> c_int>(
                &driver,
                c"cuDevicePrimaryCtxRetain",
            )?;
            let set_context = *function::<SetContext>(&driver, c"cuCtxSetCurrent")?;
            let allocate = *function::<Allocate>(&driver, c"cuMemHostAlloc")?;
            let free = *function::<Free>(&driver, c"cuMemFreeHost")?;
            let (mut device, mut context) = (0, std::ptr::null_mut());
            check("cuInit", init(0))?;
            check("cuDeviceGet", get(&mut device, index as c_int))?;
            check("cuDevicePrimaryCtxRetain", retain(&mut context, device))?;
            Ok(Self { context, set_context, allocate, free, _driver: driver })
        }
    }

    fn zeros(self: &Arc<Self>, len: usize) -> Result<PageLocked, String> {
        let bytes = len.checked_mul(size_of::<f32>()).ok_or("more memory than there are addresses")?;
        let mut memory = std::ptr::null_mut();
        // SAFETY: the context lives as long as the process.
        unsafe {
            check("cuCtxSetCurrent", (self.set_context)(self.context))?;
            check("cuMemHostAlloc", (self.allocate)(&mut memory, bytes, PORTABLE))?;
        }
        let values = NonNull::new(memory.cast::<f32>()).ok_or("the CUDA driver gave no memory")?;
        // SAFETY: the driver gave so many bytes, at the start of a page.
        unsafe { values.write_bytes(0, len) };
        Ok(PageLocked { values, len, card: self.clone() })
    }
}

/// Numbers of one batch.
#[derive(Debug)]
pub enum Buffer {
    /// On the heap.
    Heap(Vec<f32>),
    /// In page-locked memory.
    PageLocked(PageLocked),
}

impl Default for Buffer {
    fn default() -> Self {
        Self::Heap(Vec::new())
    }
}

/// Memory of the driver's.
#[derive(Debug)]
pub struct PageLocked {
    values: NonNull<f32>,
    len: usize,
    card: Arc<Card>,
}

// SAFETY: it is memory like any other, and this is its only owner.
unsafe impl Send for PageLocked {}

impl Drop for PageLocked {
    fn drop(&mut self) {
        // SAFETY: the driver gave this memory, and nobody borrows it any more. An error has nobody to go to.
        unsafe {
            (self.card.set_context)(self.card.context);
            (self.card.free)(self.values.as_ptr().cast());
        }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Self::Heap(values) => values,
            // SAFETY: so many numbers lie there, set to zero when they came, for as long as `self` lives.
            Self::PageLocked(memory) => unsafe { slice::from_raw_parts(memory.values.as_ptr(), memory.len) },
        }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        match self {
            Self::Heap(values) => values,
            // SAFETY: as above, and nobody else has them.
            Self::PageLocked(memory) => unsafe { slice::from_raw_parts_mut(memory.values.as_ptr(), memory.len) },
        }
    }
}
