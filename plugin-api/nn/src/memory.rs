//! Keeping the memory of one training step for the next.

/// Tells the C library's allocator to keep freed memory instead of handing it back to the system.
///
/// A training step allocates and frees the same large tensors every time. By default glibc asks
/// the system for each of them anew, and the system clears every page again: time that goes
/// beyond that of the arithmetic. A program that trains should call this once when it starts; its
/// resident memory then stays at its peak. Elsewhere than on Linux with glibc it does nothing.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: plain numbers, and `mallopt` locks the allocator while it changes its settings.
    unsafe {
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, -1);
    }
}
