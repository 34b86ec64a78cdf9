//! Time and memory of one phase of a cell.

use std::time::Instant;

use physrep_records::{Device, PhaseCost};

use crate::peak_memory::PeakMemory;

/// Measures one phase from its start. Phases follow each other, each with a timer of its own.
#[derive(Debug)]
pub struct PhaseTimer {
    clock: Instant,
    memory: PeakMemory,
}

impl PhaseTimer {
    /// Starts to measure work on `device`.
    pub fn start(device: Device) -> Self {
        let memory = PeakMemory::start(device);
        Self { clock: Instant::now(), memory }
    }

    /// The cost so far, for `samples` windows.
    pub fn cost(&self, samples: u64) -> PhaseCost {
        PhaseCost {
            samples,
            seconds: self.clock.elapsed().as_secs_f64(),
            peak_memory_mib: self.memory.peak().map(|bytes| bytes >> 20),
            peak_device_memory_mib: self.memory.peak_on_device().map(|bytes| bytes >> 20),
        }
    }
}
