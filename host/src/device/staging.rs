//! Where batches wait for the method that reads them: on a card they arrive while it still computes the step before.

use std::{
    fmt::{self, Debug},
    ops::Deref,
    sync::Arc,
};

use libloading::Library;

use super::{
    context::{Context, Copied, CopyStream, PageLocked},
    driver::{self, Functions},
};

/// Where a method reads its batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the memory of the host.
    Host,
    /// In memory of the host that is page-locked, from which it copies to the card of that number.
    PageLocked(u32),
    /// In the memory of the card of that number.
    Card(u32),
}

/// Gives buffers that are filled in the memory of the host and read in another place.
#[derive(Clone, Debug, Default)]
pub struct Staging(Kind);

#[derive(Clone, Debug, Default)]
enum Kind {
    #[default]
    Heap,
    PageLocked(Arc<Context>),
    Card(Arc<CopyStream>),
}

impl Staging {
    /// For batches that are read in `place`. If the driver cannot serve them there, they lie on the heap, and a line on
    /// standard error says why.
    pub fn at(place: Place) -> Self {
        let staging = match place {
            Place::Host => Ok(Self::default()),
            Place::PageLocked(_) | Place::Card(_) => driver::load().and_then(|driver| Self::of(driver, place)),
        };
        staging.unwrap_or_else(|why| {
            eprintln!("Warn: batches are not page-locked, which is slower: {why}");
            Self::default()
        })
    }

    /// As [`at`](Self::at), by `driver`, the CUDA driver.
    ///
    /// # Errors
    /// What the driver says if it does not serve.
    pub fn with(driver: Library, place: Place) -> Result<Self, String> {
        Self::of(Functions::of(driver)?, place)
    }

    fn of(driver: Functions, place: Place) -> Result<Self, String> {
        Ok(Self(match place {
            Place::Host => Kind::Heap,
            Place::PageLocked(card) => Kind::PageLocked(Arc::new(Context::open(driver, card)?)),
            Place::Card(card) => Kind::Card(Arc::new(CopyStream::new(Arc::new(Context::open(driver, card)?))?)),
        }))
    }

    /// `len` zeros. Where the card has no memory for them they stay in the host's, where that has no page-locked memory on
    /// the heap, and the reason comes back, too.
    pub fn zeros(&self, len: usize) -> (Buffer, Option<String>) {
        let (context, stream) = match &self.0 {
            Kind::PageLocked(context) if len > 0 => (context, None),
            Kind::Card(stream) if len > 0 => (stream.context(), Some(stream)),
            _ => return (Buffer(Memory::Heap(vec![0.0; len])), None),
        };
        let (memory, reason) = match (context.page_locked(len), stream) {
            (Err(why), _) => (Memory::Heap(vec![0.0; len]), Some(format!("a batch is not page-locked: {why}"))),
            (Ok(values), None) => (Memory::PageLocked(values), None),
            (Ok(values), Some(stream)) => match Copied::new(values, stream) {
                Ok(copied) => (Memory::Copied(copied), None),
                Err((values, why)) => {
                    (Memory::PageLocked(values), Some(format!("a batch is not copied to the card ahead: {why}")))
                }
            },
        };
        (Buffer(memory), reason)
    }
}

/// Numbers of one batch: written here, sent, and read in the place that they were asked for.
pub struct Buffer(Memory);

#[derive(Debug)]
enum Memory {
    Heap(Vec<f32>),
    PageLocked(PageLocked),
    Copied(Copied),
}

impl Buffer {
    /// The numbers, to be written. Waits until a card has fetched what was sent before.
    ///
    /// # Errors
    /// What the driver says of a copy that failed.
    pub fn values_mut(&mut self) -> Result<&mut [f32], String> {
        match &mut self.0 {
            Memory::Heap(values) => Ok(values),
            Memory::PageLocked(values) => Ok(values),
            Memory::Copied(copied) => copied.values_mut(),
        }
    }

    /// Begins to bring the first `len` numbers to where they are read, if that is elsewhere.
    ///
    /// # Errors
    /// What the driver says.
    pub fn send(&mut self, len: usize) -> Result<(), String> {
        match &mut self.0 {
            Memory::Heap(_) | Memory::PageLocked(_) => Ok(()),
            Memory::Copied(copied) => copied.send(len),
        }
    }

    /// The first `len` numbers where they are read, which were sent.
    pub fn lend(&self, len: usize) -> Lent<'_> {
        match &self.0 {
            Memory::Copied(copied) => Lent::Card(copied, copied.values()[..len].len()),
            _ => Lent::Host(&self[..len]),
        }
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self(Memory::Heap(Vec::new()))
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &self.0 {
            Memory::Heap(values) => values,
            Memory::PageLocked(values) => values,
            Memory::Copied(copied) => copied.values(),
        }
    }
}

impl Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Memory::Heap(_) => "on the heap",
            Memory::PageLocked(_) => "page-locked",
            Memory::Copied(_) => "copied to the card",
        };
        write!(f, "{} numbers, {kind}", self.len())
    }
}

/// Numbers that a method is lent for one call, where it reads them.
#[derive(Clone, Copy, Debug)]
pub enum Lent<'a> {
    /// In the memory of the host.
    Host(&'a [f32]),
    /// So many in the memory of a card.
    Card(&'a Copied, usize),
}

impl Lent<'_> {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Self::Host(values) => values.len(),
            Self::Card(_, len) => *len,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> From<&'a [f32]> for Lent<'a> {
    fn from(values: &'a [f32]) -> Self {
        Self::Host(values)
    }
}
