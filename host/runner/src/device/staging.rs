//! Where batches wait for the method that reads them: on a GPU they arrive while it still computes the step before.

use std::{
    fmt::{self, Debug},
    ops::Deref,
    sync::Arc,
};

use libloading::Library;

use super::{
    context::{Context, CopyStream, DeviceBuffer, PinnedBuffer},
    driver::{self, Functions},
};

/// Where a method reads its batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryKind {
    /// In the memory of the host.
    Host,
    /// In memory of the host that is pinned, from which it copies to the GPU of that number.
    Pinned(u32),
    /// In the memory of the GPU of that number.
    Device(u32),
}

/// Gives buffers that are filled in the memory of the host and read in another place.
#[derive(Clone, Debug, Default)]
pub struct Staging(Kind);

#[derive(Clone, Debug, Default)]
enum Kind {
    #[default]
    Heap,
    Pinned(Arc<Context>),
    Device(Arc<CopyStream>),
}

impl Staging {
    /// For batches that are read in `place`. If the driver cannot serve them there, they lie on the heap, and a line on
    /// standard error says why.
    pub fn at(place: MemoryKind) -> Self {
        let staging = match place {
            MemoryKind::Host => Ok(Self::default()),
            MemoryKind::Pinned(_) | MemoryKind::Device(_) => driver::load().and_then(|driver| Self::of(driver, place)),
        };
        staging.unwrap_or_else(|why| {
            log::warn!("batches are not in pinned memory, which is slower: {why}");
            Self::default()
        })
    }

    /// As [`at`](Self::at), by `driver`, the CUDA driver.
    ///
    /// # Errors
    /// What the driver says if it does not serve.
    pub fn with(driver: Library, place: MemoryKind) -> Result<Self, String> {
        Self::of(Functions::of(driver)?, place)
    }

    fn of(driver: Functions, place: MemoryKind) -> Result<Self, String> {
        Ok(Self(match place {
            MemoryKind::Host => Kind::Heap,
            MemoryKind::Pinned(gpu) => Kind::Pinned(Arc::new(Context::open(driver, gpu)?)),
            MemoryKind::Device(gpu) => Kind::Device(Arc::new(CopyStream::new(Arc::new(Context::open(driver, gpu)?))?)),
        }))
    }

    /// `len` zeros. Where the GPU has no memory for them they stay in the host's, where that has no pinned memory on
    /// the heap, and the reason comes back, too.
    pub fn zeros(&self, len: usize) -> (BatchBuffer, Option<String>) {
        let (context, stream) = match &self.0 {
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

/// Values of one batch: written here, sent, and read in the place that they were asked for.
pub struct BatchBuffer(Memory);

#[derive(Debug)]
enum Memory {
    Heap(Vec<f32>),
    Pinned(PinnedBuffer),
    Device(DeviceBuffer),
}

impl BatchBuffer {
    /// The values, to be written. Waits until a GPU has fetched what was sent before.
    ///
    /// # Errors
    /// What the driver says of a copy that failed.
    pub fn values_mut(&mut self) -> Result<&mut [f32], String> {
        match &mut self.0 {
            Memory::Heap(values) => Ok(values),
            Memory::Pinned(values) => Ok(values),
            Memory::Device(copied) => copied.values_mut(),
        }
    }

    /// Begins to bring the first `len` values to where they are read, if that is elsewhere.
    ///
    /// # Errors
    /// What the driver says.
    pub fn send(&mut self, len: usize) -> Result<(), String> {
        match &mut self.0 {
            Memory::Heap(_) | Memory::Pinned(_) => Ok(()),
            Memory::Device(copied) => copied.send(len),
        }
    }

    /// The first `len` values where they are read, which were sent.
    pub fn as_batch(&self, len: usize) -> BatchRef<'_> {
        match &self.0 {
            Memory::Device(copied) => BatchRef::Device(copied, copied.values()[..len].len()),
            _ => BatchRef::Host(&self[..len]),
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
        }
    }
}

impl Debug for BatchBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Memory::Heap(_) => "on the heap",
            Memory::Pinned(_) => "pinned",
            Memory::Device(_) => "copied to the GPU",
        };
        write!(f, "{} values, {kind}", self.len())
    }
}

/// Values that a method is lent for one call, where it reads them.
#[derive(Clone, Copy, Debug)]
pub enum BatchRef<'a> {
    /// In the memory of the host.
    Host(&'a [f32]),
    /// So many in the memory of a GPU.
    Device(&'a DeviceBuffer, usize),
}

impl BatchRef<'_> {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Self::Host(values) => values.len(),
            Self::Device(_, len) => *len,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> From<&'a [f32]> for BatchRef<'a> {
    fn from(values: &'a [f32]) -> Self {
        Self::Host(values)
    }
}
