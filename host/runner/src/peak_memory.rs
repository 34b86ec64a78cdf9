//! The most memory that this process has held: ever, and since a phase of its work began, in the host and on a GPU.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
};

use physrep_records::Device;

use crate::device::MemoryPool;

/// The highest mark that was read so far, in bytes. The system keeps one mark a process, which [`PeakMemory::start`] wipes out,
/// and which may be a little lower when it is read again: Linux counts pages in batches.
static HIGHEST: AtomicU64 = AtomicU64::new(0);

/// The most memory that this process has held, in bytes, if the system tells.
pub fn peak() -> Option<u64> {
    mark().or_else(resource_usage).map(|bytes| bytes.max(HIGHEST.load(Ordering::Relaxed)))
}

/// PeakMemoryes the memory of one phase. Phases follow each other: a new watch ends the one before.
#[derive(Debug)]
pub struct PeakMemory {
    reset: bool,
    /// The memory of the GPU, if the work is done on one.
    device_pool: Option<MemoryPool>,
}

impl PeakMemory {
    /// Begins to watch the memory of the host and that of `device`.
    pub fn start(device: Device) -> Self {
        hand_back_freed_memory();
        mark(); // for `HIGHEST`
        // Linux alone has this file: a 5 resets the mark to what is held now.
        let reset = fs::write("/proc/self/clear_refs", "5").is_ok();
        let device_pool = MemoryPool::of(device).ok().flatten().filter(|pool| pool.watch().is_ok());
        Self { reset, device_pool }
    }

    /// The most memory that the process has held since, in bytes: what earlier phases left, too. None where the system
    /// does not tell one phase from another.
    pub fn peak(&self) -> Option<u64> {
        mark().filter(|_| self.reset)
    }

    /// The most memory that it has held on the GPU since, in bytes: that of tensors and waiting batches, what earlier phases
    /// left, too, but not what libraries of CUDA take for themselves. None on the CPU, and where the driver does not tell.
    pub fn peak_on_device(&self) -> Option<u64> {
        self.device_pool.as_ref()?.peak().ok()
    }
}

/// The mark of Linux, in bytes, which goes into [`HIGHEST`].
fn mark() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<u64>().ok());
    let bytes = kib? << 10;
    HIGHEST.fetch_max(bytes, Ordering::Relaxed);
    Some(bytes)
}

/// What other systems tell, in bytes. Linux counts here that of the process which started this one.
fn resource_usage() -> Option<u64> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `usage` is a valid place for the record.
    let status = unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) };
    // SAFETY: zeroed is a valid value.
    let peak = unsafe { usage.assume_init() }.ru_maxrss as u64;
    // Linux counts KiB, macOS bytes.
    (status == 0).then_some(if cfg!(target_os = "macos") { peak } else { peak << 10 })
}

/// A worker keeps what it has freed (see [`physrep_nn::retain_heap_memory`]), which is not what the next phase needs.
fn hand_back_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `malloc_trim` locks the allocator while it works.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Holds so many MiB for a moment.
    fn hold(mib: usize) {
        std::hint::black_box(vec![1u8; mib << 20]);
    }

    // One test alone: the mark is the process's.
    #[test]
    fn a_watch_sees_what_is_held_after_it_started() {
        let all = PeakMemory::start(Device::Cpu);
        hold(256);
        let first = all.peak();
        let late = PeakMemory::start(Device::Cpu);
        hold(16);
        let Some((first, second)) = first.zip(late.peak()) else {
            println!("skipped: this system keeps no mark that can be reset");
            return;
        };
        assert!(first >= 256 << 20, "{first}");
        assert!(second >= 16 << 20, "{second}");
        assert!(second + (128 << 20) < first, "{second} bytes after {first}");
        assert!(peak() >= Some(first), "what the first watch saw is not forgotten");
    }
}
