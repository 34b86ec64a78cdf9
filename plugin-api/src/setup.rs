//! What a method is told before it starts, and at each step.

use std::path::PathBuf;

use candle_core::{Device, Tensor};
use physrep_abi::{self as abi, Host, LogLevel};
use physrep_nn::Rng;

use crate::Result;

pub use physrep_abi::Boundary;

/// One channel of a clip: one component of one physical field.
#[derive(Clone, Debug)]
pub struct Channel {
    /// The field it belongs to, such as `velocity`.
    pub field: String,
    /// Its own name, such as `velocity_x`.
    pub name: String,
    /// Tensor rank of the field: 0 scalar, 1 vector, 2 tensor.
    pub rank: u8,
    /// Which component it is; unused entries are 0.
    pub component: [u8; 2],
}

/// The geometry of one physical system's clips.
#[derive(Clone, Debug)]
pub struct System {
    /// The `C` channels, in the order in which clips hold them.
    pub channels: Vec<Channel>,
    /// Positions of the points along `H` and `W`, ascending, in the system's non-dimensional length; evenly spaced or not.
    pub coordinates: [Vec<f64>; 2],
    /// Boundaries along `H` and `W`.
    pub boundary: [Boundary; 2],
    /// Time between neighbouring frames, in the system's non-dimensional time.
    pub time_step: f64,
}

impl System {
    /// Points along `H` and `W`.
    pub fn size(&self) -> [usize; 2] {
        self.coordinates.each_ref().map(Vec::len)
    }
}

impl From<&abi::System<'_>> for System {
    fn from(system: &abi::System<'_>) -> Self {
        Self {
            channels: system
                .channels
                .iter()
                .map(|channel| Channel {
                    field: channel.field.to_string(),
                    name: channel.name.to_string(),
                    rank: channel.rank,
                    component: channel.component,
                })
                .collect(),
            coordinates: system.coordinates.map(|axis| axis.to_vec()),
            boundary: system.boundary,
            time_step: system.time_step,
        }
    }
}

/// What a method is built for.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The systems of the pretraining run; a [`Batch`](crate::Batch) names one by its index.
    pub systems: Vec<System>,
    /// Frames of a clip that is encoded.
    pub context_frames: usize,
    /// Frames that follow the context in a pretraining clip.
    pub future_frames: usize,
    /// Clips in a pretraining batch.
    pub batch: usize,
    /// Pretraining batches that will come; 0 if the session will only encode.
    pub steps: u64,
    /// Where the tensors live.
    pub device: Device,
    /// The root of all randomness.
    pub seed: u64,
    /// A folder of the session's own, removed when the cell is done.
    pub scratch: PathBuf,
}

impl Setup {
    /// The one system of a method that pretrains on systems one by one, or an error that says so.
    pub fn single_system(&self) -> Result<&System> {
        match self.systems.as_slice() {
            [system] => Ok(system),
            systems => Err(crate::Error::Unsupported(format!(
                "this method pretrains on one system at a time, and was given {}",
                systems.len()
            ))),
        }
    }
}

/// One pretraining step, as the objective sees it.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub(crate) index: u64,
    pub(crate) of: u64,
    pub(crate) seed: u64,
    pub(crate) host: Host,
}

impl Step {
    /// Which step it is, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many there will be.
    pub fn of(&self) -> u64 {
        self.of
    }

    /// Random numbers for one purpose: the same at every run of this step, and no other step's or purpose's.
    pub fn rng(&self, purpose: &str) -> Rng {
        Rng::new(self.seed, purpose, self.index)
    }

    /// Records a term of the objective in the run's curves. Reads the value back from the device.
    pub fn metric(&self, name: &str, value: &Tensor) -> Result<()> {
        let value = value.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>()?;
        (self.host.metric)(self.host.context, name.into(), self.index, value);
        Ok(())
    }

    /// Writes a line to the cell's log.
    pub fn log(&self, message: &str) {
        (self.host.log)(self.host.context, LogLevel::Info, message.into());
    }
}
