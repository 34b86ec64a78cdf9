//! The allocator of a process that trains.

/// Tells the C library's allocator to keep freed memory instead of returning it to the system, in one arena for all
/// threads.
///
/// Every training step allocates and frees the same large tensors. By default glibc maps each of them anew, and the
/// kernel clears every page again, which can take longer than the arithmetic. A program that trains should call this
/// once at its start; its resident memory then stays at its peak. With an arena per thread, no thread could reuse
/// memory that another has freed.
///
/// Does nothing on systems other than Linux with glibc.
pub fn retain_heap_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` takes integers, and locks the allocator while it changes its settings.
    unsafe {
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, -1);
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}
