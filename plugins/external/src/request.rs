//! What the program of a method is asked. Every request is answered before the next one is sent.

use serde::Serialize;
use serde_json::Value;

use crate::{
    array::{Array, NamedArray},
    setup::Setup,
};

/// The version of the protocol.
pub(crate) const PROTOCOL: u32 = 1;

/// A request with its number.
#[derive(Debug, Serialize)]
pub(crate) struct Numbered<'a> {
    pub id: u64,
    #[serde(flatten)]
    pub request: Request<'a>,
}

/// A request. Its arrays are in the file that the host writes.
#[derive(Debug, Serialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub(crate) enum Request<'a> {
    /// The first one: which version is spoken, and which descriptors have the arrays.
    Hello { protocol: u32, arrays_of_host: i32, arrays_of_method: i32 },
    /// Build the networks, with a complete configuration.
    Create { config: &'a Value, setup: &'a Setup },
    /// Train on a batch of the context's and the future's frames.
    PretrainStep { step: u64, system: u32, clips: Array },
    /// Encode clips of the context's frames, without changing anything.
    Encode { system: u32, clips: Array },
    /// Give the whole state.
    Save,
    /// Take the arrays of a whole state, or of the encoder alone.
    Load { scope: Scope, arrays: Vec<NamedArray> },
    /// List the parameters.
    Parameters,
    /// Begin end-to-end training with a new AdamW.
    BeginFinetuning { beta1: f64, beta2: f64, eps: f64, weight_decay: f64 },
    /// Encode clips, and keep what the next request needs.
    EncodeForward { system: u32, clips: Array },
    /// Compute the encoder's gradients from that of the loss with respect to the last tokens.
    EncodeBackward { gradient: Array },
    /// Update the encoder.
    ApplyGradients { learning_rate: f64 },
    /// The last request: end. There is no answer.
    Destroy,
}

/// How much of a state is loaded.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    Full,
    Encoder,
}

impl Request<'_> {
    /// The name of the call.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Create { .. } => "create",
            Self::PretrainStep { .. } => "pretrain_step",
            Self::Encode { .. } => "encode",
            Self::Save => "save",
            Self::Load { .. } => "load",
            Self::Parameters => "parameters",
            Self::BeginFinetuning { .. } => "begin_finetuning",
            Self::EncodeForward { .. } => "encode_forward",
            Self::EncodeBackward { .. } => "encode_backward",
            Self::ApplyGradients { .. } => "apply_gradients",
            Self::Destroy => "destroy",
        }
    }
}
