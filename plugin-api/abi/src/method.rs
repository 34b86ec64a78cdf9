//! The interface of an encoder method, version 1: create a session, pretrain it, encode with it, save and load it.

use abi_stable::{
    StableAbi,
    std_types::{RSlice, RStr, RString, RVec},
};

use crate::{Device, GeometryView, HostCallbacks, OwnedTensor, PluginResult, TensorView};

/// The name under which [`Root::interface`](crate::Root::interface) returns [`MethodV1`].
pub const METHOD: &str = "physrep.method";

/// A session: a method's networks and their training state. Opaque to the host.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct SessionHandle(pub *mut ());

/// What a session is created from.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct CreateArgs<'a> {
    /// The method's configuration as a JSON object; absent keys take the method's defaults.
    pub config: RStr<'a>,
    /// The systems to pretrain on; a batch refers to one by its index here.
    pub systems: RSlice<'a, GeometryView<'a>>,
    /// Frames of a clip to encode. A pretraining clip has `context_frames + future_frames`.
    pub context_frames: u32,
    /// Frames that follow the context in a pretraining clip.
    pub future_frames: u32,
    /// Clips in a pretraining batch.
    pub batch_size: u32,
    /// Number of pretraining batches, for schedules; 0 if the session will only encode.
    pub pretrain_steps: u64,
    /// The device to compute on.
    pub device: Device,
    /// The seed of all of the session's randomness.
    pub seed: u64,
    /// A directory of the session's own, removed when the cell is done.
    pub scratch_dir: RStr<'a>,
    /// The host's callbacks.
    pub host: HostCallbacks,
}

/// Clips of one system, borrowed for one call.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct BatchView<'a> {
    /// The clips, `(B, C, T, H, W)` in f32, normalised per channel; in host memory, or in the session's GPU's (see the
    /// crate's rules).
    pub clips: TensorView<'a>,
    /// The index of their system in [`CreateArgs::systems`].
    pub system: u32,
}

/// The result of one pretraining step.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct StepReport {
    /// The batch's loss; finite.
    pub loss: f64,
    /// The learning rate of the step.
    pub learning_rate: f64,
}

/// One parameter: a named tensor of a method.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct Parameter {
    /// Its module path, as in checkpoints.
    pub name: RString,
    /// Length of each axis.
    pub shape: RVec<u64>,
    /// Whether it belongs to the encoder, rather than to the pretraining objective alone.
    pub encoder: bool,
    /// BLAKE3 of its elements as little-endian bytes.
    pub checksum: [u8; 32],
}

/// How much of a checkpoint to load.
#[repr(u8)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadScope {
    /// Everything that [`MethodV1::save`] wrote: training resumes as if it had not stopped.
    Full,
    /// The encoder's weights alone, from any safetensors file that names them.
    Encoder,
}

/// The functions of a method.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct MethodV1 {
    /// Creates a session.
    pub create: extern "C" fn(args: &CreateArgs<'_>) -> PluginResult<SessionHandle>,
    /// Trains on one batch of `context_frames + future_frames` frames.
    pub pretrain_step: extern "C" fn(session: SessionHandle, batch: &BatchView<'_>) -> PluginResult<StepReport>,
    /// Encodes clips of `context_frames` frames to `(B, tokens, dim)` in f32, without changing the session.
    pub encode: extern "C" fn(session: SessionHandle, batch: &BatchView<'_>) -> PluginResult<OwnedTensor>,
    /// The complete training state as a safetensors file: weights, optimizer, step.
    pub save: extern "C" fn(session: SessionHandle) -> PluginResult<RVec<u8>>,
    /// Loads the bytes of a safetensors file, all of it or the encoder's weights.
    pub load: extern "C" fn(session: SessionHandle, file: RSlice<'_, u8>, scope: LoadScope) -> PluginResult<()>,
    /// The parameters, sorted by name.
    pub parameters: extern "C" fn(session: SessionHandle) -> PluginResult<RVec<Parameter>>,
    /// Frees the session, which is not used again.
    pub destroy: extern "C" fn(session: SessionHandle),
}
