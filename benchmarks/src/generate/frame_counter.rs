//! The progress of a generation, in frames.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::progress::Progress;
use crate::{Error, Result};

/// Counts frames and passes on the wish to stop.
pub(super) struct FrameCounter<'a> {
    done: AtomicUsize,
    total: usize,
    stopped: AtomicBool,
    progress: &'a dyn Progress,
}

impl<'a> FrameCounter<'a> {
    pub fn new(total: usize, progress: &'a dyn Progress) -> Self {
        Self { done: AtomicUsize::new(0), total, stopped: AtomicBool::new(false), progress }
    }

    /// Counts `frames` more, of which `note` says what they are.
    pub fn advance(&self, frames: usize, note: &str) -> Result<()> {
        let done = self.done.fetch_add(frames, Ordering::Relaxed) + frames;
        if self.stopped.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        match self.progress.report(done, self.total, note) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => {
                self.stopped.store(true, Ordering::Relaxed);
                Err(Error::Stopped)
            }
        }
    }
}
