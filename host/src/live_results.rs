//! What there is to look at while cells run: the scores so far on the terminal, and a report that is written anew as cells end.

use std::{
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::Scope,
    time::Instant,
};

use physrep_records::RunResults;
use physrep_report::{PageState, scores_so_far, write_report};
use physrep_runner::RunEvent;

use crate::{display::Display, error::Result};

/// How many times as long as an update took is waited before the next, so that updates take a twentieth of a core.
const REST: u32 = 20;

/// Updates what there is to look at, in a thread of its own.
pub struct LiveResults {
    changed: Sender<()>,
}

impl LiveResults {
    /// Starts the thread, which ends once this is dropped.
    pub fn start<'scope>(scope: &'scope Scope<'scope, '_>, run: &'scope Path, display: &'scope Display) -> Self {
        let (changed, changes) = channel();
        scope.spawn(move || update_on(&changes, run, display));
        Self { changed }
    }

    /// Has the results updated if a cell has ended.
    pub fn run_event(&self, event: &RunEvent<'_>) {
        if matches!(event, RunEvent::Kept(_) | RunEvent::Done(..) | RunEvent::Failed { .. }) {
            // The thread has ended if it could not write, and has said so.
            let _ = self.changed.send(());
        }
    }
}

fn update_on(changes: &Receiver<()>, run: &Path, display: &Display) {
    let mut next = Instant::now();
    while changes.recv().is_ok() {
        // Further changes until then are part of this update.
        loop {
            match changes.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        let began = Instant::now();
        match update(run) {
            Ok(scores) => display.scores(&scores),
            Err(error) => {
                return display.line(&format!("the report is written when the run ends, not before: {error}"));
            }
        }
        next = Instant::now() + began.elapsed() * REST;
    }
}

/// Writes the report of a run that goes on; gives the scores so far.
fn update(run: &Path) -> Result<String> {
    let results = RunResults::read(run)?;
    write_report(run, &results, &run.join("report"), PageState::Running)?;
    Ok(scores_so_far(&results))
}

/// Writes the report of a run that was interrupted, which no longer reloads. A run that cannot be read has said so before.
pub fn end(run: &Path) {
    if let Ok(results) = RunResults::read(run) {
        let _ = write_report(run, &results, &run.join("report"), PageState::Ended);
    }
}
