//! One pretraining step, as a method sees it: its index, its random numbers, the curves and the log.

use candle_core::{DType, Tensor};
use physrep_abi::{HostCallbacks, LogLevel};
use physrep_nn::Rng;

use crate::Result;

/// One pretraining step.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub(crate) index: u64,
    pub(crate) total: u64,
    pub(crate) seed: u64,
    pub(crate) host: HostCallbacks,
}

impl Step {
    /// The index of the step, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The number of steps of the run.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The random stream of this step for one purpose, such as `"mask"`. It depends on the session's seed, the purpose and
    /// the step alone, so a resumed run draws the same values.
    pub fn rng(&self, purpose: &str) -> Rng {
        Rng::new(self.seed, purpose, self.index)
    }

    /// Records a scalar in the run's curves. Copies the value from the device, and waits for it.
    pub fn metric(&self, name: &str, value: &Tensor) -> Result<()> {
        self.metric_value(name, value.to_dtype(DType::F64)?.to_scalar::<f64>()?);
        Ok(())
    }

    /// Writes a line to the cell's log.
    pub fn log(&self, message: &str) {
        (self.host.log)(self.host.context, LogLevel::Info, message.into());
    }

    pub(crate) fn metric_value(&self, name: &str, value: f64) {
        (self.host.metric)(self.host.context, name.into(), self.index, value);
    }
}
