//! Time and memory of one phase of a cell.

use std::time::Instant;

use physrep_records::PhaseCost;

use crate::{error::Result, method_process::MethodProcess, peak_memory::PeakMemory};

/// Measures one phase from its start. Phases follow each other, each with a timer of its own.
#[derive(Debug)]
pub struct PhaseTimer {
    clock: Instant,
    memory: PeakMemory,
}

impl PhaseTimer {
    /// Starts to measure work of this process.
    pub fn start() -> Self {
        Self { memory: PeakMemory::start(None), clock: Instant::now() }
    }

    /// Starts to measure work of this process and of `method`.
    ///
    /// # Errors
    ///
    /// If the method's process died.
    pub fn start_with(method: &mut MethodProcess) -> Result<Self> {
        method.reset_peaks()?;
        Ok(Self { memory: PeakMemory::start(Some(method.id())), clock: Instant::now() })
    }

    /// The seconds so far.
    pub fn seconds(&self) -> f64 {
        self.clock.elapsed().as_secs_f64()
    }

    /// The cost so far, for `samples` windows.
    pub fn cost(&self, samples: u64) -> PhaseCost {
        PhaseCost {
            samples,
            seconds: self.seconds(),
            peak_memory_mib: self.memory.peak().map(|bytes| bytes >> 20),
            peak_device_memory_mib: None,
        }
    }

    /// As [`cost`](Self::cost), with the peak memory on the GPU that `method` computes on.
    ///
    /// # Errors
    ///
    /// If the method's process died.
    pub fn cost_with(&self, samples: u64, method: &mut MethodProcess) -> Result<PhaseCost> {
        let cost = self.cost(samples);
        Ok(PhaseCost { peak_device_memory_mib: method.peak_on_device()?.map(|bytes| bytes >> 20), ..cost })
    }
}
