//! The interface that lets the host train an encoder end to end, version 1. A plugin may lack it.
//!
//! The host embeds a batch, computes a loss of the tokens that only it knows, and hands the loss's gradient back: labels
//! stay in the host.

use abi_stable::StableAbi;

use crate::{Batch, OwnedTensor, PluginResult, Session, TensorView};

/// The interface's name for [`Root::interface`](crate::Root::interface).
pub const FINETUNE: &str = "physrep.finetune";

/// The optimizer of an encoder that is trained end to end: AdamW with decoupled decay, the same for every method.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct FineTuneArgs {
    /// Decay of the gradient's mean.
    pub beta1: f64,
    /// Decay of the gradient's mean square.
    pub beta2: f64,
    /// Added to the root of the mean square.
    pub eps: f64,
    /// Decoupled decay of every parameter of the encoder.
    pub weight_decay: f64,
}

/// The functions of end-to-end training.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct FineTuneV1 {
    /// Begins, with an optimizer that has seen nothing. The weights are those that the session has.
    pub begin: extern "C" fn(session: Session, args: &FineTuneArgs) -> PluginResult<()>,
    /// Embeds clips as [`MethodV1::encode`](crate::MethodV1) does, and keeps what the backward pass needs until the next call.
    pub encode: extern "C" fn(session: Session, batch: &Batch<'_>) -> PluginResult<OwnedTensor>,
    /// Back-propagates the gradient of a loss by the tokens of the last `encode`, `(B, tokens, dim)` in f32, and keeps the
    /// gradients of the encoder's parameters.
    pub backward: extern "C" fn(session: Session, gradient: &TensorView<'_>) -> PluginResult<()>,
    /// Updates the encoder by the gradients of the last `backward`.
    pub apply: extern "C" fn(session: Session, learning_rate: f64) -> PluginResult<()>,
}
