//! End-to-end training: the host has the loss, the session the encoder.

use candle_core::{DType, Tensor, backprop::GradStore};
use physrep_nn::{AdamW, AdamWConfig};

use super::{Session, is_encoder};
use crate::{Batch, Error, Method, Result};

/// The encoder's own optimizer, and what lies between its three calls.
pub(super) struct FineTuning {
    optimizer: AdamW,
    tokens: Option<Tensor>,
    gradients: Option<GradStore>,
}

impl<M: Method> Session<M> {
    /// Begins with an optimizer of the encoder that has seen nothing.
    pub(crate) fn begin_finetuning(&mut self, config: AdamWConfig) -> Result<()> {
        let mut encoder = self.params.trained();
        encoder.retain(|(name, _)| is_encoder::<M>(name));
        let optimizer = AdamW::new(encoder, config)?;
        self.finetuning = Some(FineTuning { optimizer, tokens: None, gradients: None });
        Ok(())
    }

    /// Embeds clips and keeps the way back.
    pub(crate) fn encode_with_gradient(&mut self, batch: &Batch) -> Result<Tensor> {
        let tokens = self.tokens(&self.method, batch)?.to_dtype(DType::F32)?;
        self.finetuning()?.tokens = Some(tokens.clone());
        Ok(tokens.detach())
    }

    /// From the gradient of the last tokens to those of the encoder's parameters.
    pub(crate) fn backward(&mut self, gradient: &Tensor) -> Result<()> {
        let tuning = self.finetuning()?;
        let tokens = tuning.tokens.take().ok_or_else(|| order("backward", "encode"))?;
        if gradient.dims() != tokens.dims() {
            return Err(Error::Unsupported(format!(
                "a gradient of shape {:?} for tokens (B, tokens, dim) = {:?}",
                gradient.dims(),
                tokens.dims()
            )));
        }
        tuning.gradients = Some((tokens * gradient)?.sum_all()?.backward()?);
        Ok(())
    }

    /// Updates the encoder.
    pub(crate) fn apply_gradients(&mut self, learning_rate: f64) -> Result<()> {
        let tuning = self.finetuning()?;
        let gradients = tuning.gradients.take().ok_or_else(|| order("apply", "backward"))?;
        Ok(tuning.optimizer.step(&gradients, learning_rate)?)
    }

    fn finetuning(&mut self) -> Result<&mut FineTuning> {
        self.finetuning.as_mut().ok_or_else(|| order("end-to-end training", "begin"))
    }
}

fn order(what: &str, before: &str) -> Error {
    Error::Unsupported(format!("{what} was called without a `{before}` before it"))
}
