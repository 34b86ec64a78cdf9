//! The threads that kernels run on.

/// Runs `compute` on one of the threads that kernels run on, and waits for it.
///
/// A kernel that another thread starts is handed over to these threads and back, which takes longer than a small kernel
/// itself. A whole step that runs here is handed over once.
pub fn on_compute_threads<R: Send>(compute: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| compute())
}
