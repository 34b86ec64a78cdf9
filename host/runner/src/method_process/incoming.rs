//! Requests as they arrive in the process of a method: batches that are announced are copied to the GPU while the step before them
//! computes.

use std::{
    collections::HashMap,
    io::Read,
    sync::mpsc::{self, Receiver, Sender},
    thread,
};

use super::{
    frames,
    requests::{Batch, Request},
};
use crate::{
    device::{BatchBuffer, BatchRef, MemoryKind, Part, SharedClips, Staging},
    error::Error,
};

/// A request, with the batch that was announced for it.
struct Received {
    request: Request,
    payload: Vec<u8>,
    prefetched: Option<Result<BatchBuffer, String>>,
}

/// The requests of the process of the cell, and the clips that they name.
pub(super) struct IncomingRequests {
    received: Receiver<Received>,
    clips: SharedClips,
    /// The buffers of batches that were computed on.
    idle: Sender<BatchBuffer>,
    /// The batch of the current request.
    prefetched: Option<Result<BatchBuffer, String>>,
}

impl IncomingRequests {
    /// Reads requests from `input` in a thread. Batches that are announced are copied to memory of kind `memory`.
    pub(super) fn read(
        input: impl Read + Send + 'static,
        clips: SharedClips,
        memory: MemoryKind,
    ) -> std::io::Result<Self> {
        let (sender, received) = mpsc::channel();
        let (idle, returned) = mpsc::channel();
        let prefetcher =
            Prefetcher { clips: clips.try_clone()?, staging: None, memory, returned, copies: HashMap::new() };
        thread::Builder::new().name("requests".into()).spawn(move || prefetcher.run(input, &sender))?;
        Ok(Self { received, clips, idle, prefetched: None })
    }

    /// Waits for the next request and its payload; none when there will be no more.
    pub(super) fn next(&mut self) -> Option<(Request, Vec<u8>)> {
        if let Some(Ok(buffer)) = self.prefetched.take() {
            // It fails when no batch will be announced any more.
            let _ = self.idle.send(buffer);
        }
        let Received { request, payload, prefetched } = self.received.recv().ok()?;
        self.prefetched = prefetched;
        Some((request, payload))
    }

    /// The clips of the current request.
    ///
    /// # Errors
    ///
    /// Why they cannot be read.
    pub(super) fn clips(&mut self, batch: &Batch) -> Result<BatchRef<'_>, String> {
        let len = batch.len();
        match &self.prefetched {
            Some(Ok(buffer)) if buffer.len() >= len => Ok(buffer.as_batch(len)),
            Some(Err(why)) => Err(Error::Device(why.clone()).to_string()),
            _ => {
                let values = self.clips.values(batch.part, len);
                values.map(BatchRef::from).map_err(|e| format!("a batch cannot be read from shared memory: {e}"))
            }
        }
    }
}

/// The thread that reads requests.
struct Prefetcher {
    clips: SharedClips,
    /// Where copies are; made when the first batch is announced.
    staging: Option<Staging>,
    memory: MemoryKind,
    returned: Receiver<BatchBuffer>,
    /// The copies of batches that no request has named yet.
    copies: HashMap<Part, Result<BatchBuffer, String>>,
}

impl Prefetcher {
    fn run(mut self, mut input: impl Read, sender: &Sender<Received>) {
        // The pipe ends with the process of the cell, or when that needs this one no longer.
        while let Ok(Some((request, payload))) = frames::read(&mut input, u64::MAX) {
            let prefetched = match &request {
                Request::Prefetch { part, len } => {
                    let copied = self.copy(*part, *len);
                    self.copies.insert(*part, copied);
                    continue;
                }
                Request::Pretrain(batch) | Request::Encode(batch) | Request::EncodeWithGradient(batch) => {
                    self.copies.remove(&batch.part)
                }
                Request::Start(_)
                | Request::BeginFinetuning(_)
                | Request::Finetune { .. }
                | Request::Save
                | Request::Load(_)
                | Request::Parameters
                | Request::ResetPeaks
                | Request::PeakOnDevice => None,
            };
            if sender.send(Received { request, payload, prefetched }).is_err() {
                break;
            }
        }
    }

    /// Starts to copy a batch to the GPU.
    fn copy(&mut self, part: Part, len: usize) -> Result<BatchBuffer, String> {
        let staging = self.staging.get_or_insert_with(|| Staging::at(self.memory));
        // Shorter ones belong to an earlier phase, and are freed before a longer one is allocated.
        let long_enough = self.returned.try_iter().find(|buffer| buffer.len() >= len);
        let mut buffer = long_enough.unwrap_or_else(|| {
            let (buffer, reason) = staging.zeros(len);
            if let Some(reason) = reason {
                log::warn!("{reason}");
            }
            buffer
        });
        let values = self.clips.values(part, len).map_err(|e| e.to_string())?;
        buffer.values_mut()?[..len].copy_from_slice(values);
        buffer.send(len)?;
        Ok(buffer)
    }
}
