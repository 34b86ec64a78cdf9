//! Staging of batches: buffers are filled in host memory and, for a GPU, copied while it still computes the previous step; or they are
//! filled in memory that is shared with the process of a method.

use std::{
    fmt::{self, Debug},
    ops::Deref,
    sync::Arc,
};

use super::{
    context::{Context, CopyStream, DeviceBuffer, PinnedBuffer},
    driver::{self, Functions},
    shared_memory::{Part, SharedBuffer, SharedMemory},
};

/// The kind of memory that a method reads its batches from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryKind {
    /// Host memory.
    Host,
    /// Pinned host memory, from which the method copies to the GPU with this index.
    Pinned(u32),
    /// The memory of the GPU with this index.
    Device(u32),
}

/// Allocates buffers that are filled in host memory and read from another kind of memory.
#[derive(Clone, Debug, Default)]
pub struct Staging(Kind);

#[derive(Clone, Debug, Default)]
enum Kind {
    #[default]
    Heap,
    Pinned(Arc<Context>),
    Device(Arc<CopyStream>),
    Shared(Arc<SharedMemory>, Option<Announce>),
}

impl Staging {
    /// For batches that the process of a method reads in `memory`; it is told of them if it copies them to a GPU.
    pub(crate) fn shared(memory: Arc<SharedMemory>, announce: Option<Announce>) -> Self {
        Self(Kind::Shared(memory, announce))
    }

    /// For batches that are read from memory of kind `memory`. Without a driver that supports it they stay on the heap, and a warning
    /// is logged.
    pub fn at(memory: MemoryKind) -> Self {
        let staging = match memory {
            MemoryKind::Host => Ok(Self::default()),
            MemoryKind::Pinned(_) | MemoryKind::Device(_) => driver::load().and_then(|driver| Self::of(driver, memory)),
        };
        staging.unwrap_or_else(|why| {
            log::warn!("batches are not in pinned memory, which is slower: {why}");
            Self::default()
        })
    }

    /// As [`at`](Self::at), with the CUDA driver `driver`; the error is the driver's.
    #[cfg(test)]
    pub(crate) fn with(driver: libloading::Library, memory: MemoryKind) -> Result<Self, String> {
        Self::of(Functions::of(driver)?, memory)
    }

    fn of(driver: Functions, memory: MemoryKind) -> Result<Self, String> {
        Ok(Self(match memory {
            MemoryKind::Host => Kind::Heap,
            MemoryKind::Pinned(gpu) => Kind::Pinned(Arc::new(Context::open(driver, gpu)?)),
            MemoryKind::Device(gpu) => Kind::Device(Arc::new(CopyStream::new(Arc::new(Context::open(driver, gpu)?))?)),
        }))
    }

    /// `len` zeros. Without free memory on the GPU they stay in pinned memory, without free pinned memory on the heap; the reason is
    /// returned with them.
    pub fn zeros(&self, len: usize) -> (BatchBuffer, Option<String>) {
        let (context, stream) = match &self.0 {
            Kind::Shared(memory, announce) => {
                return match memory.zeros(len) {
                    Ok(values) => (BatchBuffer(Memory::Shared(values, announce.clone())), None),
                    Err(why) => (
                        BatchBuffer(Memory::Heap(vec![0.0; len])),
                        Some(format!("a batch is not in shared memory: {why}")),
                    ),
                };
            }
            Kind::Pinned(context) if len > 0 => (context, None),
            Kind::Device(stream) if len > 0 => (stream.context(), Some(stream)),
            _ => return (BatchBuffer(Memory::Heap(vec![0.0; len])), None),
        };
        let (memory, reason) = match (context.pinned(len), stream) {
            (Err(why), _) => (Memory::Heap(vec![0.0; len]), Some(format!("a batch is not pinned: {why}"))),
            (Ok(values), None) => (Memory::Pinned(values), None),
            (Ok(values), Some(stream)) => match DeviceBuffer::new(values, stream) {
                Ok(copied) => (Memory::Device(copied), None),
                Err((values, why)) => {
                    (Memory::Pinned(values), Some(format!("a batch is not copied to the GPU ahead: {why}")))
                }
            },
        };
        (BatchBuffer(memory), reason)
    }
}

/// Called with the part and the length of each batch that is filled.
#[derive(Clone)]
pub(crate) struct Announce(pub(crate) Arc<dyn Fn(Part, usize) -> Result<(), String> + Send + Sync>);

impl Debug for Announce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Announce")
    }
}

/// The buffer of a batch: written in host memory, sent, and read from the requested kind of memory.
pub struct BatchBuffer(Memory);

#[derive(Debug)]
enum Memory {
    Heap(Vec<f32>),
    Pinned(PinnedBuffer),
    Device(DeviceBuffer),
    Shared(SharedBuffer, Option<Announce>),
}

impl BatchBuffer {
    /// The values, for writing. Waits until the previous copy to a GPU has finished.
    ///
    /// # Errors
    /// The driver's error if that copy failed.
    pub fn values_mut(&mut self) -> Result<&mut [f32], String> {
        match &mut self.0 {
            Memory::Heap(values) => Ok(values),
            Memory::Pinned(values) => Ok(values),
            Memory::Device(copied) => copied.values_mut(),
            Memory::Shared(values, _) => Ok(values),
        }
    }

    /// Starts to copy the first `len` values to the GPU, if they are read there.
    ///
    /// # Errors
    /// The driver's error.
    pub fn send(&mut self, len: usize) -> Result<(), String> {
        match &mut self.0 {
            Memory::Heap(_) | Memory::Pinned(_) | Memory::Shared(_, None) => Ok(()),
            Memory::Device(copied) => copied.send(len),
            Memory::Shared(values, Some(announce)) => announce.0(values.part(), len),
        }
    }

    /// The first `len` values, which were sent, in the memory that they are read from.
    pub fn as_batch(&self, len: usize) -> BatchRef<'_> {
        match &self.0 {
            Memory::Device(copied) => BatchRef::Device(copied, copied.values()[..len].len()),
            _ => BatchRef::Host(&self[..len]),
        }
    }

    /// The part of shared memory that it is in, if it is in one.
    pub(crate) fn part(&self) -> Option<Part> {
        match &self.0 {
            Memory::Shared(values, _) => Some(values.part()),
            _ => None,
        }
    }
}

impl Default for BatchBuffer {
    fn default() -> Self {
        Self(Memory::Heap(Vec::new()))
    }
}

impl Deref for BatchBuffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &self.0 {
            Memory::Heap(values) => values,
            Memory::Pinned(values) => values,
            Memory::Device(copied) => copied.values(),
            Memory::Shared(values, _) => values,
        }
    }
}

impl Debug for BatchBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Memory::Heap(_) => "on the heap",
            Memory::Pinned(_) => "pinned",
            Memory::Device(_) => "copied to the GPU",
            Memory::Shared(..) => "in shared memory",
        };
        write!(f, "{} values, {kind}", self.len())
    }
}

/// A borrowed batch, in the memory that a method reads it from.
#[derive(Clone, Copy, Debug)]
pub enum BatchRef<'a> {
    /// Values in host memory.
    Host(&'a [f32]),
    /// The first values of a buffer in the memory of a GPU, and their number.
    Device(&'a DeviceBuffer, usize),
}

impl BatchRef<'_> {
    /// The number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Host(values) => values.len(),
            Self::Device(_, len) => *len,
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> From<&'a [f32]> for BatchRef<'a> {
    fn from(values: &'a [f32]) -> Self {
        Self::Host(values)
    }
}
