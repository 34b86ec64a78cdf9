//! End-to-end training of a session's encoder: it returns tokens and takes the gradient of the loss with respect to them.

use physrep_abi::{FineTuneArgs, FineTuneV1};

use super::session::{EncodedTokens, Session, checked, with_batch, with_view};
use crate::{
    device::BatchRef,
    error::{Error, Result},
};

impl Session<'_> {
    /// Starts end-to-end training of the encoder with a new optimizer.
    ///
    /// # Errors
    ///
    /// [`Error::Method`] if the plugin does not have this interface, or with the method's error.
    pub fn begin_finetuning(&mut self, weight_decay: f64) -> Result<()> {
        // As in the attentive probe.
        let args = FineTuneArgs { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay };
        checked(&self.name, (self.interface()?.begin)(self.handle, &args))
    }

    /// Embeds clips `(B, C, T, H, W)` and keeps the graph for [`finetune_step`](Self::finetune_step).
    ///
    /// # Errors
    ///
    /// [`Error::Method`] as for [`begin_finetuning`](Self::begin_finetuning), or if the method returns an invalid tensor.
    pub fn encode_with_gradient(
        &mut self,
        clips: BatchRef<'_>,
        shape: [usize; 5],
        system: usize,
    ) -> Result<EncodedTokens> {
        let encode = self.interface()?.encode_forward;
        let tokens = with_batch(clips, shape, system, |batch| encode(self.handle, batch));
        self.tokens(checked(&self.name, tokens)?, shape[0])
    }

    /// Updates the encoder with `gradient`, `(B, tokens, dim)`, of the loss with respect to the tokens of the last
    /// [`encode_with_gradient`](Self::encode_with_gradient).
    ///
    /// # Errors
    ///
    /// [`Error::Method`] as for [`begin_finetuning`](Self::begin_finetuning).
    pub fn finetune_step(&mut self, gradient: &[f32], shape: [usize; 3], learning_rate: f64) -> Result<()> {
        let interface = self.interface()?;
        let done = with_view(gradient.into(), &shape, |gradient| (interface.encode_backward)(self.handle, &gradient));
        checked(&self.name, done)?;
        checked(&self.name, (interface.apply_gradients)(self.handle, learning_rate))
    }

    fn interface(&self) -> Result<&'static FineTuneV1> {
        self.interfaces.finetune.ok_or_else(|| Error::Method {
            method: self.name.clone(),
            message:
                "the plugin has no interface for end-to-end training; rebuild it against physrep-plugin-api of this \
                      physrep-bench"
                    .into(),
        })
    }
}
