//! Time and memory of one phase of a cell.

use std::time::Instant;

use crate::{device::Device, memory::Watch, result::PhaseCost};

/// Measures from its start on; phases follow each other, and each has a meter of its own.
#[derive(Debug)]
pub struct Meter {
    clock: Instant,
    memory: Watch,
}

impl Meter {
    /// Begins to measure work that is done on `device`.
    pub fn start(device: Device) -> Self {
        let memory = Watch::start(device);
        Self { clock: Instant::now(), memory }
    }

    /// What it cost so far, in which `samples` windows were seen.
    pub fn cost(&self, samples: u64) -> PhaseCost {
        PhaseCost {
            samples,
            seconds: self.clock.elapsed().as_secs_f64(),
            peak_memory_mib: self.memory.peak().map(|bytes| bytes >> 20),
            peak_card_memory_mib: self.memory.peak_on_card().map(|bytes| bytes >> 20),
        }
    }
}
