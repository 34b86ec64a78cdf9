//! The progress of a long operation, and how its caller stops it.

use std::ops::ControlFlow;

/// Receives the progress of a long operation; called from several threads.
///
/// Closures `Fn(usize, usize, &str) -> ControlFlow<()>` are receivers, and `()` ignores everything.
pub trait Progress: Sync {
    /// `done` of `total` units are finished; `note` says in a few words what the current one is. Returning
    /// [`ControlFlow::Break`] ends the operation soon after, with
    /// [`Error::Stopped`](crate::Error::Stopped).
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
