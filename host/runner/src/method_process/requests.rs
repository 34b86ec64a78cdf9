//! What the process of a cell asks of the process of its method, and what that answers. Requests are answered in their order; every
//! answer but metrics belongs to a request.

use std::path::PathBuf;

use physrep_abi::LoadScope;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::frames::Bits;
use crate::{device::Part, plugin::SessionSpec, sandbox::Access};

/// A request. Its payload, where it has one, is named at its variant.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// Confine yourself, open a library and create a session; the first request.
    Start(Box<Start>),
    /// A batch will be computed on soon: copy it to the GPU. There is no answer.
    Prefetch {
        /// Where it is.
        part: Part,
        /// The number of values.
        len: usize,
    },
    /// One pretraining step.
    Pretrain(Batch),
    /// Embed clips.
    Encode(Batch),
    /// Start end-to-end training, with this weight decay.
    BeginFinetuning(f64),
    /// Embed clips, and keep the graph.
    EncodeWithGradient(Batch),
    /// Update the encoder; the payload is the gradient with respect to its tokens.
    Finetune {
        /// `(B, tokens, dim)`.
        shape: [usize; 3],
        /// The learning rate.
        learning_rate: f64,
    },
    /// Give the complete state.
    Save,
    /// Load the state that is the payload.
    Load(Scope),
    /// List the trainable tensors.
    Parameters,
    /// Return freed memory to the system and begin a new measurement of the GPU's peak.
    ResetPeaks,
    /// Give the peak of the GPU's memory.
    PeakOnDevice,
}

/// The first request.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Start {
    /// The library.
    pub library: PathBuf,
    /// The shared memory with the clips.
    pub clips: PathBuf,
    /// What the process may still reach.
    pub access: Access,
    /// The session.
    pub spec: SessionSpec,
}

/// Clips in shared memory.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Batch {
    /// Where they are.
    pub part: Part,
    /// `(B, C, T, H, W)`.
    pub shape: [usize; 5],
    /// The index of their system.
    pub system: usize,
}

impl Batch {
    /// The number of values.
    pub(super) fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// What is loaded of a state.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Scope {
    Full,
    Encoder,
}

impl From<LoadScope> for Scope {
    fn from(scope: LoadScope) -> Self {
        match scope {
            LoadScope::Full => Self::Full,
            LoadScope::Encoder => Self::Encoder,
        }
    }
}

impl From<Scope> for LoadScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Full => Self::Full,
            Scope::Encoder => Self::Encoder,
        }
    }
}

/// An answer. Its payload, where it has one, is named at its variant.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// The restrictions in force: the first answer, sent before the library is opened.
    Confined(Vec<String>),
    /// The library is open and has a session: the second answer.
    Started {
        /// How the library describes itself.
        description: Value,
        /// Whether batches are to be announced with [`Request::Prefetch`].
        prefetch: bool,
    },
    /// The library cannot be used.
    Unusable(String),
    /// The method, or its GPU, failed.
    Failed(String),
    /// The method refuses the request.
    Refused(String),
    /// A value of a training curve, between answers.
    Metric { name: String, step: u64, value: Bits },
    /// A pretraining step is done.
    Pretrained { loss: Bits, learning_rate: Bits },
    /// Tokens of this shape, `(B, tokens, dim)`; the payload is their values.
    Tokens([usize; 3]),
    /// It is done.
    Done,
    /// The payload is the complete state.
    State,
    /// The trainable tensors.
    Parameters(Vec<ParameterFacts>),
    /// The peak of the GPU's memory in bytes, if it is known.
    PeakOnDevice(Option<u64>),
}

/// A trainable tensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ParameterFacts {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<u64>,
    /// The checksum of its values.
    pub checksum: Vec<u8>,
    /// Whether it is a part of the encoder.
    pub encoder: bool,
}
