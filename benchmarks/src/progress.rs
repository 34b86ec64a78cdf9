//! How long work tells its caller where it stands, and how the caller stops it.

use std::ops::ControlFlow;

/// Receives the progress of long work; called from several threads.
///
/// Closures `Fn(usize, usize, &str) -> ControlFlow<()>` are receivers, and `()` is one that ignores everything.
pub trait Progress: Sync {
    /// `done` of `total` units are finished; `note` says in a few words what the current one is. Returning
    /// [`ControlFlow::Break`] makes the work end with [`Error::Stopped`](crate::Error::Stopped) soon after.
    fn report(&self, done: usize, total: usize, note: &str) -> ControlFlow<()>;
}

impl Progress for () {
    fn report(&self, _done: usize, _total: usize, _note: &str) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl<F: Fn(usize, usize, &str) -> ControlFlow<()> + Sync> Progress for F {
    fn report(&self, done: usize, total: usize, note: &str) -> ControlFlow<()> {
        self(done, total, note)
    }
}
