//! Time and memory of a cell.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Time and memory of a cell, over all attempts that contributed to it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// Pretraining, summed over interrupted attempts. The full cost of a joint pretraining counts in the cell of every system.
    pub pretrain: PhaseCost,
    /// Encoding all splits for the probes.
    pub encode: PhaseCost,
    /// Fitting and scoring all probes.
    pub probe: PhaseCost,
    /// End-to-end training, its selection on valid and its scoring.
    pub end_to_end: PhaseCost,
    /// The peak resident memory of the process that wrote the record, in MiB, if the system reports it.
    pub peak_memory_mib: Option<u64>,
}

/// Time and memory of one phase of a cell; all zero if the cell has no such phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseCost {
    /// Windows seen, counted with repetition.
    pub samples: u64,
    /// Wall time, in seconds.
    pub seconds: f64,
    /// The peak resident memory of the process in this phase, in MiB, including memory still held from earlier phases; none where
    /// the system cannot reset the peak.
    pub peak_memory_mib: Option<u64>,
    /// The peak memory of tensors and prefetched batches on the GPU in this phase, in MiB, including memory still held from earlier
    /// phases; none on the CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_device_memory_mib: Option<u64>,
}

impl PhaseCost {
    /// The total cost of two attempts at a phase, with `samples` windows in all. A peak that is unknown for one attempt is unknown
    /// in the total.
    pub fn and(self, other: Self, samples: u64) -> Self {
        let higher = |a: Option<u64>, b: Option<u64>| a.zip(b).map(|(a, b)| a.max(b));
        Self {
            samples,
            seconds: self.seconds + other.seconds,
            peak_memory_mib: higher(self.peak_memory_mib, other.peak_memory_mib),
            peak_device_memory_mib: higher(self.peak_device_memory_mib, other.peak_device_memory_mib),
        }
    }
}
