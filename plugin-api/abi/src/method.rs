//! The interface of an encoder method, version 1: create a session, pretrain it, encode with it, save and load it.

use abi_stable::{
    StableAbi,
    std_types::{RSlice, RStr, RString, RVec},
};

use crate::{Device, Host, OwnedTensor, PluginResult, System, TensorView};

/// The interface's name for [`Root::interface`](crate::Root::interface).
pub const METHOD: &str = "physrep.method";

/// A method's state: an encoder in training. Opaque to the host.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct Session(pub *mut ());

/// What a session is made from.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct CreateArgs<'a> {
    /// The method's configuration as a JSON object; keys that are absent take the method's defaults.
    pub config: RStr<'a>,
    /// The systems to pretrain on; batches name one by its index here.
    pub systems: RSlice<'a, System<'a>>,
    /// Frames of a clip that is encoded. A pretraining clip holds `context_frames + future_frames`.
    pub context_frames: u32,
    /// Frames that follow the context in a pretraining clip.
    pub future_frames: u32,
    /// Clips in a pretraining batch.
    pub batch: u32,
    /// Pretraining batches that will come, for schedules; 0 if the session will only encode.
    pub steps: u64,
    /// Where to compute.
    pub device: Device,
    /// The root of all of the session's randomness.
    pub seed: u64,
    /// A directory of the session's own; removed when the cell is done.
    pub scratch: RStr<'a>,
    /// The host's callbacks.
    pub host: Host,
}

/// Clips of one system.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The clips, `(B, C, T, H, W)` in f32, normalised per channel; in the host's memory or the card's, see the crate's rules.
    pub clips: TensorView<'a>,
    /// Which of [`CreateArgs::systems`] they are from.
    pub system: u32,
}

/// What a pretraining step did.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct StepReport {
    /// The batch's loss, finite.
    pub loss: f64,
    /// The learning rate that the step used.
    pub learning_rate: f64,
}

/// One trainable tensor.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct Parameter {
    /// Its module path, as in checkpoints.
    pub name: RString,
    /// Length of each axis.
    pub shape: RVec<u64>,
    /// Whether the encoder uses it, rather than the pretraining objective alone.
    pub encoder: bool,
    /// BLAKE3 of its elements as little-endian bytes.
    pub checksum: [u8; 32],
}

/// How much of a saved state to take.
#[repr(u8)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadScope {
    /// Everything that [`MethodV1::save`] wrote, so that training goes on as if it had not stopped.
    State,
    /// The encoder's weights alone, from any safetensors file that names them.
    Encoder,
}

/// The functions of a method.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct MethodV1 {
    /// Makes a session.
    pub create: extern "C" fn(args: &CreateArgs<'_>) -> PluginResult<Session>,
    /// Learns from one batch of `context_frames + future_frames` frames.
    pub pretrain_step: extern "C" fn(session: Session, batch: &Batch<'_>) -> PluginResult<StepReport>,
    /// Embeds clips of `context_frames` frames as `(B, tokens, dim)` in f32, without changing the session.
    pub encode: extern "C" fn(session: Session, batch: &Batch<'_>) -> PluginResult<OwnedTensor>,
    /// The complete state as a safetensors file: weights, optimizer, step and random state.
    pub save: extern "C" fn(session: Session) -> PluginResult<RVec<u8>>,
    /// Takes a state, or a part of one, from the bytes of a safetensors file.
    pub load: extern "C" fn(session: Session, file: RSlice<'_, u8>, scope: LoadScope) -> PluginResult<()>,
    /// The trainable tensors, in order of their names.
    pub parameters: extern "C" fn(session: Session) -> PluginResult<RVec<Parameter>>,
    /// Frees the session; it is not used again.
    pub destroy: extern "C" fn(session: Session),
}
