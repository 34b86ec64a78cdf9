//! Optional interface, version 1: lets the host train an encoder end to end.
//!
//! The host encodes a batch, computes a loss of the tokens, and passes back the gradient of that loss. Labels and loss
//! stay in the host.

use abi_stable::StableAbi;

use crate::{BatchView, OwnedTensor, PluginResult, SessionHandle, TensorView};

/// The name under which [`Root::interface`](crate::Root::interface) returns [`FineTuneV1`].
pub const FINETUNE: &str = "physrep.finetune";

/// Hyper-parameters of AdamW with decoupled weight decay, the optimizer of end-to-end training for every method.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct FineTuneArgs {
    /// Decay rate of the first moment.
    pub beta1: f64,
    /// Decay rate of the second moment.
    pub beta2: f64,
    /// Added to the square root of the second moment.
    pub eps: f64,
    /// Decoupled weight decay, applied to every parameter of the encoder.
    pub weight_decay: f64,
}

/// The functions of end-to-end training, called in this order: `begin` once, then `encode_forward`, `encode_backward` and
/// `apply_gradients` for each step.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct FineTuneV1 {
    /// Starts with a fresh optimizer for the encoder's parameters, from the session's current weights.
    pub begin: extern "C" fn(session: SessionHandle, args: &FineTuneArgs) -> PluginResult<()>,
    /// Encodes clips as [`MethodV1::encode`](crate::MethodV1::encode) does, and keeps the graph for `encode_backward`.
    pub encode_forward: extern "C" fn(session: SessionHandle, batch: &BatchView<'_>) -> PluginResult<OwnedTensor>,
    /// Takes the gradient of a loss with respect to the tokens of the last `encode_forward`, `(B, tokens, dim)` in f32, and
    /// computes the gradients of the encoder's parameters.
    pub encode_backward: extern "C" fn(session: SessionHandle, gradient: &TensorView<'_>) -> PluginResult<()>,
    /// Updates the encoder with the gradients of the last `encode_backward`.
    pub apply_gradients: extern "C" fn(session: SessionHandle, learning_rate: f64) -> PluginResult<()>,
}
