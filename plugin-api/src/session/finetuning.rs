//! End-to-end training: the host computes the loss, the session differentiates the encoder.

use candle_core::{Tensor, Var, backprop::GradStore};
use physrep_nn::{AdamW, AdamWConfig};

use crate::{Error, Result};

/// The encoder's own optimizer, and what one call leaves for the next.
pub(super) struct FineTuning {
    optimizer: AdamW,
    tokens: Option<Tensor>,
    gradients: Option<GradStore>,
}

impl FineTuning {
    /// With a fresh optimizer of `encoder`'s parameters.
    pub(super) fn new(encoder: Vec<(String, Var)>, config: AdamWConfig) -> Result<Self> {
        Ok(Self { optimizer: AdamW::new(encoder, config)?, tokens: None, gradients: None })
    }

    /// Keeps tokens, with their graph, for [`backward`](Self::backward).
    pub(super) fn keep(&mut self, tokens: Tensor) {
        self.tokens = Some(tokens);
    }

    /// Propagates the gradient with respect to the last tokens, of their shape, to the parameters.
    pub(super) fn backward(&mut self, gradient: &Tensor) -> Result<()> {
        let tokens = self.tokens.take().ok_or_else(|| out_of_order("encode_backward", "encode_forward"))?;
        if gradient.dims() != tokens.dims() {
            return Err(Error::Unsupported(format!(
                "a gradient of shape {:?} for tokens (B, tokens, dim) = {:?}",
                gradient.dims(),
                tokens.dims()
            )));
        }
        self.gradients = Some((tokens * gradient)?.sum_all()?.backward()?);
        Ok(())
    }

    /// Updates the encoder with the last gradients.
    pub(super) fn apply(&mut self, learning_rate: f64) -> Result<()> {
        let gradients = self.gradients.take().ok_or_else(|| out_of_order("apply_gradients", "encode_backward"))?;
        Ok(self.optimizer.step(&gradients, learning_rate)?)
    }
}

/// The error of a call that another must precede.
pub(super) fn out_of_order(call: &str, before: &str) -> Error {
    Error::Unsupported(format!("{call} was called without `{before}` before it"))
}
