//! Keeping the memory of one training step for the next, and clearing it.

use rayon::prelude::*;

use crate::float::Float;

/// `len` zeros, cleared by all threads.
pub(crate) fn zeros<T: Float>(len: usize) -> Vec<T> {
    const BLOCK: usize = 64 * 1024;
    if len <= BLOCK {
        return vec![T::zero(); len];
    }
    let mut zeros = Vec::with_capacity(len);
    zeros.spare_capacity_mut()[..len].par_chunks_mut(BLOCK).for_each(|block| {
        for number in block {
            number.write(T::zero());
        }
    });
    // SAFETY: the first `len` numbers were written above.
    unsafe { zeros.set_len(len) };
    zeros
}

/// Tells the C library's allocator to keep freed memory instead of handing it back to the system, in one pool for all threads.
///
/// A training step allocates and frees the same large tensors every time. By default glibc asks
/// the system for each of them anew, and the system clears every page again: time that goes
/// beyond that of the arithmetic. A program that trains should call this once when it starts; its
/// resident memory then stays at its peak. Threads would otherwise have pools of their own, which
/// do not use what another has freed. Elsewhere than on Linux with glibc it does nothing.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: plain numbers, and `mallopt` locks the allocator while it changes its settings.
    unsafe {
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, -1);
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}
