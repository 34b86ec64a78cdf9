//! How the work on a cell goes, for the supervisor.

use std::time::{Duration, Instant};

use crate::{
    Error, Result,
    events::{Event, Phase},
    interrupt,
};

/// Tells the supervisor how the work goes, a few times a second.
pub(super) struct Progress {
    last: Option<(Phase, Instant)>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { last: None }
    }

    /// Tells of `done` of `total` units of a phase.
    ///
    /// # Errors
    ///
    /// [`Error::Interrupted`] if the work is to stop.
    pub(super) fn report(&mut self, phase: Phase, done: u64, total: u64, note: String) -> Result<()> {
        interrupt::check()?;
        let recent = self.last.is_some_and(|(last, when)| last == phase && when.elapsed() < Duration::from_millis(200));
        if recent && done < total {
            return Ok(());
        }
        self.last = Some((phase, Instant::now()));
        Event::Progress { phase, done, total, note }.send().map_err(Error::io("standard output"))
    }
}
