//! The memory of a GPU while probes are fitted there.

use physrep_records::Device;

use crate::device::MemoryPool;

/// The driver's memory pool, which keeps what a step frees for the next one, until this is dropped: another process may need it then.
pub(crate) struct KeptMemory {
    pool: Option<MemoryPool>,
    device: Device,
}

impl KeptMemory {
    /// Keeps the memory of `device` from now on, and measures its peak. Where the driver cannot, the log says so.
    pub(crate) fn begin(device: Device) -> Self {
        let pool = MemoryPool::of(device).and_then(|pool| {
            let keep = |pool: MemoryPool| pool.keep_freed().and_then(|()| pool.reset_peak()).map(|()| pool);
            pool.map(keep).transpose()
        });
        let pool = pool.unwrap_or_else(|why| {
            log::warn!(
                "{device} cannot keep freed memory, so every step of a probe allocates it anew, which is slower: {why}"
            );
            None
        });
        Self { pool, device }
    }

    /// The peak so far, in MiB; none on the CPU, or if the driver does not say.
    pub(crate) fn peak_mib(&self) -> Option<u64> {
        self.pool.as_ref().and_then(|pool| pool.peak().ok()).map(|bytes| bytes >> 20)
    }
}

impl Drop for KeptMemory {
    fn drop(&mut self) {
        if let Some(Err(why)) = self.pool.as_ref().map(MemoryPool::release_freed) {
            log::warn!("{} keeps the memory of the probes: {why}", self.device);
        }
    }
}
