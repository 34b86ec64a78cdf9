//! How cells are run: how many at once, and how patiently.

use std::time::Duration;

use crate::events::Phase;

/// How cells are run. Nothing here changes a score.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The number of cells that run concurrently.
    pub jobs: usize,
    /// Threads per cell.
    pub threads: usize,
    /// A process without progress for this long is killed; while probing, for [`PROBE_PATIENCE`] times as long.
    pub stall_timeout: Duration,
    /// Time between checkpoints of pretraining.
    pub checkpoint_every: Duration,
    /// The GPUs that cells are spread over, by their names for `CUDA_VISIBLE_DEVICES`; none if all cells compute on one device.
    pub gpus: Vec<String>,
}

/// A fit of a probe runs no code of a method and reports no progress, so that probing may be silent for so many stall timeouts.
pub const PROBE_PATIENCE: u32 = 10;

impl Policy {
    /// The GPU of the worker with this number.
    pub(crate) fn gpu(&self, worker: usize) -> Option<&str> {
        self.gpus.get(worker % self.gpus.len().max(1)).map(String::as_str)
    }

    /// How long the process of a cell may be silent in a phase.
    pub(crate) fn patience(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Probe => self.stall_timeout.saturating_mul(PROBE_PATIENCE),
            _ => self.stall_timeout,
        }
    }
}
