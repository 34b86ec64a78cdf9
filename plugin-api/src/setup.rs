//! What a session is created for.

use std::path::PathBuf;

use candle_core::Device;

use crate::{Error, Geometry, Result};

/// What a method is built for.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The systems of the pretraining run; a [`Batch`](crate::Batch) refers to one by its index.
    pub systems: Vec<Geometry>,
    /// Frames of a clip to encode.
    pub context_frames: usize,
    /// Frames that follow the context in a pretraining clip.
    pub future_frames: usize,
    /// Clips in a pretraining batch.
    pub batch_size: usize,
    /// Number of pretraining batches; 0 if the session will only encode.
    pub pretrain_steps: u64,
    /// The device of all tensors.
    pub device: Device,
    /// The seed of all randomness.
    pub seed: u64,
    /// A directory of the session's own, removed when the cell is done.
    pub scratch_dir: PathBuf,
}

impl Setup {
    /// The only system, for methods that pretrain on one system at a time.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if there are several.
    pub fn single_system(&self) -> Result<&Geometry> {
        match self.systems.as_slice() {
            [system] => Ok(system),
            systems => Err(Error::Unsupported(format!(
                "this method pretrains on one system at a time, and was given {}",
                systems.len()
            ))),
        }
    }
}
