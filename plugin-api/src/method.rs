//! The trait that a method implements.

use candle_core::Tensor;
use physrep_nn::Params;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Result, Setup, Step, Training};

/// Who a method is.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct About {
    /// The name that the command line and the tables use: lower case, digits and dashes.
    pub name: &'static str,
    /// What it learns from, in a sentence.
    pub summary: &'static str,
    /// Where it is published; may be empty.
    pub reference: &'static str,
}

/// Clips of one physical system.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The clips, `(B, C, T, H, W)`, each channel normalised with the training split's mean and deviation.
    pub clips: Tensor,
    /// Which of [`Setup::systems`] they are from.
    pub system: usize,
}

/// A way to learn a representation of physical fields.
///
/// Implement this, call [`export_method!`](crate::export_method), and the host does the rest: it feeds the batches,
/// this crate differentiates [`loss`](Method::loss), steps AdamW, saves and resumes, and the host's probes score what
/// [`encode`](Method::encode) returns. A method sees fields and their geometry, but no label, no split and no system's
/// name.
pub trait Method: Sized + 'static {
    /// The hyper-parameters. Users override single keys (`--set NAME.key=value`), so every key has a default.
    type Config: Serialize + DeserializeOwned + Default;

    /// Who the method is.
    const ABOUT: About;

    /// Parameters whose names begin with this and a dot are the encoder's; all others only serve the objective.
    const ENCODER: &'static str = "encoder";

    /// Whether one session can learn from several systems: batches then name the one they are from. The host adds rows of
    /// encoders that were pretrained on all systems of a suite.
    const JOINT: bool = false;

    /// Builds the networks, drawing every trainable tensor from `params`.
    ///
    /// A session builds two: one that learns, and a twin on the same parameters that [`encode`](Self::encode) is called on
    /// when no gradient is wanted. What either keeps beside its parameters the other does not see.
    fn new(config: &Self::Config, setup: &Setup, params: &Params) -> Result<Self>;

    /// How the optimizer is to run.
    fn training(_config: &Self::Config) -> Training {
        Training::default()
    }

    /// The objective on a pretraining batch of `context_frames + future_frames` frames: a scalar to be minimised, from
    /// which a gradient must reach every parameter.
    fn loss(&self, batch: &Batch, step: &Step) -> Result<Tensor>;

    /// Called after each update of the parameters, such as to let a moving average follow them.
    fn updated(&self, _step: &Step) -> Result<()> {
        Ok(())
    }

    /// Embeds a batch of `context_frames` frames as tokens, `(B, tokens, dim)`.
    fn encode(&self, batch: &Batch) -> Result<Tensor>;
}
