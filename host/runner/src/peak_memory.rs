//! Peak memory of this process and of that of a method, in total and per phase.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
};

/// The highest peak that was read so far, in bytes, together with that of a method's process. Linux keeps one peak per process, which
/// [`PeakMemory::start`] resets and which may be slightly lower when it is read again, because pages are counted in batches.
static HIGHEST: AtomicU64 = AtomicU64::new(0);

/// The peak resident memory of this process, or of it and a method's, in bytes, if the system reports it.
pub fn peak() -> Option<u64> {
    linux_peak().or_else(resource_usage).map(|bytes| bytes.max(HIGHEST.load(Ordering::Relaxed)))
}

/// Measures the peak memory of one phase. Phases follow each other: starting a new measurement ends the previous one.
#[derive(Debug)]
pub struct PeakMemory {
    reset: bool,
    /// The process of a method that takes part in the phase.
    method: Option<u32>,
}

impl PeakMemory {
    /// Resets the peaks of this process, and of the process of a method with the number `method`.
    pub fn start(method: Option<u32>) -> Self {
        return_freed_memory();
        linux_peak(); // updates `HIGHEST`
        // Only Linux has these files: writing 5 resets the peak to the present memory.
        let reset = |process: &str| fs::write(format!("/proc/{process}/clear_refs"), "5").is_ok();
        Self { reset: reset("self") && method.is_none_or(|process| reset(&process.to_string())), method }
    }

    /// The peak resident memory since the start, in bytes, including memory still held from earlier phases; that of both processes,
    /// if there is a method's. None where the system cannot reset the peak.
    pub fn peak(&self) -> Option<u64> {
        let own = linux_peak()?;
        let bytes = match self.method {
            Some(process) => own + peak_of(&process.to_string())?,
            None => own,
        };
        HIGHEST.fetch_max(bytes, Ordering::Relaxed);
        Some(bytes).filter(|_| self.reset)
    }
}

/// The peak of this process that Linux reports, in bytes; it also updates [`HIGHEST`].
fn linux_peak() -> Option<u64> {
    let bytes = peak_of("self")?;
    HIGHEST.fetch_max(bytes, Ordering::Relaxed);
    Some(bytes)
}

/// The peak of a process that Linux reports, in bytes.
fn peak_of(process: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<u64>().ok());
    Some(kib? << 10)
}

/// The peak that other systems report, in bytes. On Linux this one would include the memory of the parent process.
fn resource_usage() -> Option<u64> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `usage` is valid for writes of an `rusage`.
    let status = unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) };
    // SAFETY: it was zeroed, and all-zero is a valid `rusage`.
    let peak = unsafe { usage.assume_init() }.ru_maxrss as u64;
    // Linux counts KiB, macOS bytes.
    (status == 0).then_some(if cfg!(target_os = "macos") { peak } else { peak << 10 })
}

/// Returns freed heap memory to the system, which the allocator otherwise keeps (see [`physrep_nn::retain_heap_memory`]) and which
/// would count in the next phase.
pub(crate) fn return_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `malloc_trim` has no preconditions; it locks the allocator.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Allocates `mib` MiB and frees them.
    fn allocate(mib: usize) {
        std::hint::black_box(vec![1u8; mib << 20]);
    }

    // A single test, because the peak is that of the process.
    #[test]
    fn each_phase_has_its_own_peak() {
        let all = PeakMemory::start(None);
        allocate(256);
        let first = all.peak();
        let late = PeakMemory::start(None);
        allocate(16);
        let Some((first, second)) = first.zip(late.peak()) else {
            println!("skipped: this system cannot reset the peak");
            return;
        };
        assert!(first >= 256 << 20, "{first}");
        assert!(second >= 16 << 20, "{second}");
        assert!(second + (128 << 20) < first, "{second} bytes after {first}");
        assert!(peak() >= Some(first), "the peak of the process includes that of the first phase");
    }
}
