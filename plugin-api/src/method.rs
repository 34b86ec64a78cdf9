//! The trait that a method implements.

use candle_core::Tensor;
use physrep_nn::Params;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Result, Setup, Step, Training};

/// What a method is called and where it is from.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct About {
    /// The name on the command line and in tables: lower-case letters, digits and dashes.
    pub name: &'static str,
    /// What the method learns from, in one sentence.
    pub summary: &'static str,
    /// Where it is published; may be empty.
    pub reference: &'static str,
}

/// Clips of one physical system.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The clips, `(B, C, T, H, W)`, each channel normalised by the training split's mean and standard deviation.
    pub clips: Tensor,
    /// The index of their system in [`Setup::systems`].
    pub system: usize,
}

/// A way to learn a representation of physical fields.
///
/// Implement this trait and call [`export_method!`](crate::export_method). The host feeds the batches; this crate
/// differentiates [`loss`](Method::loss), steps AdamW, saves and resumes; the host's probes score the tokens that
/// [`encode`](Method::encode) returns. A method sees fields and their geometry, but no label, no split and no system's
/// name. One thread at a time calls it, but not always the same one: on the CPU, calls come from the threads that compute.
pub trait Method: Send + Sized + 'static {
    /// The hyper-parameters. Users override single keys (`--set NAME.key=value`), so every key has a default.
    type Config: Serialize + DeserializeOwned + Default;

    /// What the method is called and where it is from.
    const ABOUT: About;

    /// The module path of the encoder. Parameters below it are probed and fine-tuned; all others serve the objective alone.
    const ENCODER: &'static str = "encoder";

    /// Whether one session can learn from several systems. A batch then names its system, and the host adds rows of
    /// encoders that were pretrained on all systems of a suite.
    const JOINT_PRETRAINING: bool = false;

    /// Builds the networks. Every trainable tensor is created by `params`.
    ///
    /// A session builds two instances on the same parameters: one that learns, and an inference copy on which
    /// [`encode`](Self::encode) is called when no gradient is needed. State that an instance keeps outside its parameters
    /// is not shared.
    fn new(config: &Self::Config, setup: &Setup, params: &Params) -> Result<Self>;

    /// The optimizer's hyper-parameters, usually a key of the configuration.
    fn training(_config: &Self::Config) -> Training {
        Training::default()
    }

    /// The objective on a pretraining batch of `context_frames + future_frames` frames: a scalar to minimise. A gradient
    /// must reach every trained parameter.
    fn loss(&self, batch: &Batch, step: &Step) -> Result<Tensor>;

    /// Called after each update of the parameters, for instance to move an exponential moving average.
    fn after_update(&self, _step: &Step) -> Result<()> {
        Ok(())
    }

    /// Encodes a batch of `context_frames` frames to tokens, `(B, tokens, dim)`.
    fn encode(&self, batch: &Batch) -> Result<Tensor>;
}
