//! Prefetch: the dataloader fills the next batch of clips, and copies it to the GPU, while the current step computes.
//!
//! Two buffers alternate: one is computed on while the other one is filled. Nothing is allocated once both have held the largest
//! batch. A clip depends only on its item, so that batches are the same bytes for any number of threads.

use std::{
    cell::Cell,
    io,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    thread::{Builder, Scope},
    time::{Duration, Instant},
};

use rayon::{ThreadPool, ThreadPoolBuilder, prelude::*};

use crate::{
    device::{BatchBuffer, BatchRef, Part, Staging},
    error::{Error, Result},
};

/// One buffer that is computed on, and one that is filled.
const BUFFERS: usize = 2;

/// The size of batches, and how they are filled.
#[derive(Clone, Debug)]
pub struct PrefetchSettings {
    /// Clips per batch; the last batch may have fewer.
    pub batch: usize,
    /// Threads that fill batches.
    pub threads: usize,
    /// Allocates the buffers; those for a GPU are copied there as soon as they are filled.
    pub staging: Staging,
}

/// The number of prefetching threads beside a computation on this process's thread pool: a quarter of its threads.
pub fn threads_beside_computation() -> usize {
    (rayon::current_num_threads() / 4).max(1)
}

/// The dataloader: batches in the order of their items, filled ahead of time.
///
/// Dropping it stops the filling after the current clips; the scope that it was spawned in waits for that.
#[derive(Debug)]
pub struct Loader {
    filled: Receiver<Result<Filled>>,
    empty: SyncSender<BatchBuffer>,
    stop: Arc<AtomicBool>,
    waited: Cell<Duration>,
}

#[derive(Debug)]
struct Filled {
    buffer: BatchBuffer,
    len: usize,
}

/// A batch of clips. Dropping it returns its buffer to the loader. Dereferences to its values in host memory.
#[derive(Debug)]
pub struct PrefetchedBatch<'a> {
    filled: Filled,
    empty: &'a SyncSender<BatchBuffer>,
}

impl Loader {
    /// Starts to fill batches of `items`, in their order. `clip_len` returns the number of values in the clip of an item, which must
    /// be the same for all items of a batch; `fill` writes the clip.
    ///
    /// # Errors
    ///
    /// [`Error::Records`] if the threads cannot be started.
    pub fn spawn<'scope, T: Send + Sync>(
        scope: &'scope Scope<'scope, '_>,
        settings: PrefetchSettings,
        items: impl Iterator<Item = T> + Send + 'scope,
        clip_len: impl Fn(&T) -> usize + Send + 'scope,
        fill: impl Fn(&T, &mut [f32]) -> Result<()> + Send + Sync + 'scope,
    ) -> Result<Self> {
        let name = "loader";
        let threads = ThreadPoolBuilder::new()
            .num_threads(settings.threads.max(1))
            .thread_name(move |index| format!("{name}-{index}"))
            .build()
            .map_err(|e| Error::io("the threads of the loader")(io::Error::other(e)))?;
        let (filled_sender, filled) = mpsc::sync_channel(BUFFERS);
        let (empty, empty_receiver) = mpsc::sync_channel(BUFFERS);
        let stop = Arc::new(AtomicBool::new(false));
        let feeder = Feeder {
            settings,
            threads,
            stop: stop.clone(),
            empty: empty_receiver,
            filled: filled_sender,
            items,
            clip_len,
            fill,
        };
        for _ in 0..BUFFERS {
            // It cannot fail: the queue has space for all buffers, and its receiver exists.
            let _ = empty.send(BatchBuffer::default());
        }
        Builder::new()
            .name(name.into())
            .spawn_scoped(scope, move || feeder.run())
            .map_err(Error::io("the thread of the loader"))?;
        Ok(Self { filled, empty, stop, waited: Cell::default() })
    }

    /// Waits for the next batch; none after the last one.
    ///
    /// # Errors
    ///
    /// The error of the first clip of the batch that could not be filled. No batch follows.
    pub fn next(&self) -> Result<Option<PrefetchedBatch<'_>>> {
        let clock = Instant::now();
        let next = self.filled.recv();
        self.waited.set(self.waited.get() + clock.elapsed());
        match next {
            Ok(filled) => Ok(Some(PrefetchedBatch { filled: filled?, empty: &self.empty })),
            Err(mpsc::RecvError) => Ok(None),
        }
    }

    /// How long [`next`](Self::next) has waited so far.
    pub fn waited(&self) -> Duration {
        self.waited.get()
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl PrefetchedBatch<'_> {
    /// The clips, in the memory that a method of this process reads.
    pub fn as_batch(&self) -> BatchRef<'_> {
        self.filled.buffer.as_batch(self.filled.len)
    }

    /// The part of shared memory that the clips are in.
    ///
    /// # Errors
    ///
    /// If they are elsewhere, for want of such memory.
    pub(crate) fn part(&self) -> Result<Part> {
        let out_of_memory = || Error::io("shared memory for clips")(io::ErrorKind::OutOfMemory.into());
        self.filled.buffer.part().ok_or_else(out_of_memory)
    }
}

impl Deref for PrefetchedBatch<'_> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.filled.buffer[..self.filled.len]
    }
}

impl Drop for PrefetchedBatch<'_> {
    fn drop(&mut self) {
        // It fails after the last batch, when the thread that fills has ended.
        let _ = self.empty.send(std::mem::take(&mut self.filled.buffer));
    }
}

/// The thread that fills buffers.
struct Feeder<I, L, F> {
    settings: PrefetchSettings,
    threads: ThreadPool,
    stop: Arc<AtomicBool>,
    empty: Receiver<BatchBuffer>,
    filled: SyncSender<Result<Filled>>,
    items: I,
    clip_len: L,
    fill: F,
}

impl<T, I, L, F> Feeder<I, L, F>
where
    T: Send + Sync,
    I: Iterator<Item = T>,
    L: Fn(&T) -> usize,
    F: Fn(&T, &mut [f32]) -> Result<()> + Send + Sync,
{
    fn run(mut self) {
        let mut items = Vec::with_capacity(self.settings.batch);
        // Both queues close when the loader is dropped.
        while let Ok(mut buffer) = self.empty.recv() {
            items.clear();
            items.extend(self.items.by_ref().take(self.settings.batch));
            let Some(first) = items.first() else { break };
            let clip_len = (self.clip_len)(first);
            let len = items.len() * clip_len;
            if buffer.len() < len {
                // Free the short buffer before allocating the long one.
                drop(std::mem::take(&mut buffer));
                let reason;
                (buffer, reason) = self.settings.staging.zeros(len);
                if let Some(reason) = reason {
                    log::warn!("{reason}");
                }
            }
            let filled = self.fill_batch(&items, clip_len, &mut buffer, len);
            let last = filled.is_err();
            if self.filled.send(filled.map(|()| Filled { buffer, len })).is_err() || last {
                break;
            }
        }
    }

    /// Fills the clips and starts to copy them; returns the error of the first clip that has one.
    fn fill_batch(&self, items: &[T], clip_len: usize, buffer: &mut BatchBuffer, len: usize) -> Result<()> {
        let (stop, fill) = (&*self.stop, &self.fill);
        let clips = &mut buffer.values_mut().map_err(Error::Device)?[..len];
        let failed = self.threads.install(|| {
            clips.par_chunks_exact_mut(clip_len).zip(items).find_map_first(|(clip, item)| {
                // After a stop no batch is read, so clips may stay unfilled.
                if stop.load(Ordering::Relaxed) { None } else { fill(item, clip).err() }
            })
        });
        failed.map_or(Ok(()), Err)?;
        buffer.send(len).map_err(Error::Device)
    }
}
