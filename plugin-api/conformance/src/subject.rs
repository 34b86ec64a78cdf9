//! What is checked: a method that opens sessions.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clips::Clips;

/// A method.
pub trait Subject {
    /// How it describes itself: the JSON object of the ABI's `describe`.
    fn description(&self) -> &Value;

    /// Opens a session.
    ///
    /// # Errors
    /// If the method refuses.
    fn open(&self, spec: &Spec) -> Result<Box<dyn Session + '_>, Failure>;

    /// Whether each session has a process of its own, with its own threads and memory.
    fn has_processes(&self) -> bool;
}

/// What a session is opened for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The keys of the configuration that differ from the defaults.
    pub config: Value,
    /// The systems to pretrain on.
    pub systems: Vec<SystemShape>,
    /// Frames of a clip to encode.
    pub context_frames: usize,
    /// Frames that follow the context in a pretraining clip.
    pub future_frames: usize,
    /// Clips in a pretraining batch.
    pub batch: usize,
    /// The number of pretraining batches.
    pub steps: u64,
    /// The seed of all randomness.
    pub seed: u64,
    /// Threads of the session's process, if it has one.
    pub threads: usize,
}

impl Spec {
    /// The shape of `batch` pretraining clips of a system, `(B, C, T, H, W)`.
    pub(crate) fn pretraining_shape(&self, system: usize) -> [usize; 5] {
        self.systems[system].shape(self.batch, self.context_frames + self.future_frames)
    }

    /// The shape of `clips` clips to encode of a system, `(B, C, T, H, W)`.
    pub(crate) fn encoding_shape(&self, system: usize, clips: usize) -> [usize; 5] {
        self.systems[system].shape(clips, self.context_frames)
    }
}

/// The channels and the grid of a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemShape {
    /// Channels of a clip.
    pub channels: usize,
    /// Grid points along `H` and `W`.
    pub size: [usize; 2],
}

impl SystemShape {
    fn shape(self, clips: usize, frames: usize) -> [usize; 5] {
        [clips, self.channels, frames, self.size[0], self.size[1]]
    }
}

/// A session of a method.
pub trait Session {
    /// Trains on one batch of clips of the system with this index; gives the loss.
    ///
    /// # Errors
    /// If the method fails.
    fn pretrain_step(&mut self, clips: &Clips, system: usize) -> Result<f64, Failure>;

    /// Encodes clips.
    ///
    /// # Errors
    /// If the method fails.
    fn encode(&mut self, clips: &Clips, system: usize) -> Result<Tokens, Failure>;

    /// Encodes clips, then updates the encoder with a gradient of ones with respect to their tokens.
    ///
    /// # Errors
    /// If the method fails, or cannot be trained end to end.
    fn finetune_step(&mut self, clips: &Clips, system: usize) -> Result<(), Failure>;

    /// The complete state, as the bytes of a safetensors file.
    ///
    /// # Errors
    /// If the method fails.
    fn save(&mut self) -> Result<Vec<u8>, Failure>;

    /// Loads what [`save`](Self::save) gave.
    ///
    /// # Errors
    /// If the method fails.
    fn load(&mut self, state: &[u8]) -> Result<(), Failure>;

    /// The parameters, in order of their names.
    ///
    /// # Errors
    /// If the method fails.
    fn parameters(&mut self) -> Result<Vec<Parameter>, Failure>;

    /// Resident memory of the session's process, in bytes, if it has one.
    fn memory(&self) -> Option<u64>;
}

/// A parameter of a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its module path.
    pub name: String,
    /// Whether it belongs to the encoder.
    pub encoder: bool,
    /// The checksum of its values.
    pub checksum: Vec<u8>,
}

/// The tokens of clips.
#[derive(Clone, Debug, PartialEq)]
pub struct Tokens {
    /// `(B, tokens, dim)`, row-major.
    pub values: Vec<f32>,
    /// `[B, tokens, dim]`.
    pub shape: [usize; 3],
}

impl Tokens {
    /// The values of the clip with this index, `(tokens, dim)`.
    pub(crate) fn of_clip(&self, index: usize) -> &[f32] {
        let length = self.shape[1] * self.shape[2];
        &self.values[index * length..][..length]
    }

    /// The standard deviation of the values.
    pub(crate) fn deviation(&self) -> f64 {
        let n = self.values.len() as f64;
        let mean = self.values.iter().map(|&value| f64::from(value)).sum::<f64>() / n;
        (self.values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / n).sqrt()
    }
}

/// Why a method failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it said.
    pub message: String,
    /// Whether it refused the request with a reason: a configuration, or a shape that it does not support.
    pub refused: bool,
}

impl Failure {
    /// A failure that is no refusal.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), refused: false }
    }
}
