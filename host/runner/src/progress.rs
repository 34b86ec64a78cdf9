//! Reports the progress of a cell a few times per second.

use std::time::{Duration, Instant};

use crate::{
    error::Result,
    events::{Phase, PhaseProgress},
    interrupt,
};

/// The shortest time between two reports of one phase.
const INTERVAL: Duration = Duration::from_millis(200);

/// Reports the progress of a cell and checks for interruption.
pub(crate) struct Progress<'a> {
    listener: &'a mut dyn FnMut(PhaseProgress) -> Result<()>,
    last: Option<(Phase, Instant)>,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(listener: &'a mut dyn FnMut(PhaseProgress) -> Result<()>) -> Self {
        Self { listener, last: None }
    }

    /// The phase that was reported last.
    pub(crate) fn phase(&self) -> Phase {
        self.last.map_or(Phase::Start, |(phase, _)| phase)
    }

    /// Reports `done` of `total` units of a phase.
    ///
    /// # Errors
    ///
    /// [`Error::Interrupted`](crate::Error::Interrupted) if this process is to stop.
    pub(crate) fn report(&mut self, phase: Phase, done: u64, total: u64) -> Result<()> {
        self.report_figures(PhaseProgress { phase, done, total, loss: None, clips_per_second: None })
    }

    /// As [`report`](Self::report), with the loss and the throughput.
    pub(crate) fn report_figures(&mut self, progress: PhaseProgress) -> Result<()> {
        interrupt::check()?;
        let recent = self.last.is_some_and(|(last, when)| last == progress.phase && when.elapsed() < INTERVAL);
        if recent && progress.done < progress.total {
            return Ok(());
        }
        self.last = Some((progress.phase, Instant::now()));
        (self.listener)(progress)
    }
}
