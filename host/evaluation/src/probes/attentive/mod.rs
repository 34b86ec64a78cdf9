//! The paper's probe: an attentive classifier trained on frozen tokens, with the same capacity for every method.
//!
//! Protocol (arXiv:2603.13227, as released): AdamW with betas (0.9, 0.999) and a cosine schedule from the learning rate to zero,
//! mean squared error on z-scored labels, no dropout. Where the released code leaves details open or varies them between methods,
//! this probe fixes them: the MLP is four times as wide as a token, every batch is one update, every window is used, and the
//! reported epoch is the one with the lowest error on the validation split.

mod head;
mod tokens;

use candle_core::{DType, Device, Tensor};
use physrep_nn::Params;
use serde::{Deserialize, Serialize};

use super::training::{self, Budget, Inputs, TrainingHistory};
use crate::error::Result;
use crate::labelled::{LabelledEmbeddings, check_dim};

pub(crate) use head::heads;
pub(super) use tokens::EPSILON;

pub use head::AttentiveHead;
pub use tokens::{Tokens, normalise_tokens};

/// Settings of the attentive probe; the defaults are the paper's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttentiveConfig {
    /// Passes over the training split.
    pub epochs: usize,
    /// Windows per update; the last batch of an epoch may have fewer.
    pub batch: usize,
    /// Learning rate of the first update; it decays to zero by a cosine schedule.
    pub learning_rate: f64,
    /// Decoupled weight decay of all parameters.
    pub weight_decay: f64,
}

impl Default for AttentiveConfig {
    fn default() -> Self {
        Self { epochs: 100, batch: 32, learning_rate: 1e-3, weight_decay: 0.01 }
    }
}

impl AttentiveConfig {
    /// The budget, checked.
    pub(super) fn budget(&self) -> Result<Budget> {
        let Self { epochs, batch, learning_rate, weight_decay } = *self;
        let budget = Budget { probe: "attentive", epochs, batch, learning_rate, weight_decay };
        budget.check()?;
        Ok(budget)
    }
}

/// The selected epoch, and the training history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttentiveRecord {
    /// The epoch whose weights predict, counted from 1.
    pub epoch: usize,
    /// Attention heads: the largest number up to eight that divides the dimensions of a token.
    pub heads: usize,
    /// Elements in all trainable tensors of the head.
    pub head_parameters: usize,
    /// Mean squared error over each epoch's batches, before each update.
    pub train: Vec<f64>,
    /// Mean squared error on the validation split after each epoch.
    pub valid: Vec<f64>,
}

impl AttentiveRecord {
    /// The record of a training of `params`, on tokens of `dim` dimensions.
    pub(super) fn of(history: TrainingHistory, dim: usize, params: &Params) -> Self {
        let TrainingHistory { epoch, train, valid } = history;
        let head_parameters = params.named().iter().map(|(_, var)| var.elem_count()).sum();
        Self { epoch, heads: heads(dim), head_parameters, train, valid }
    }
}

/// A trained head.
pub struct Attentive {
    head: AttentiveHead,
    dim: usize,
    record: AttentiveRecord,
}

impl Attentive {
    /// Trains on `train` and keeps the weights of the epoch that is best on `valid`. `seed` draws the initial weights and the order
    /// of windows.
    ///
    /// # Errors
    /// If a setting is outside its range, the dimensions of the splits' tokens differ, or the loss does not stay finite.
    pub fn fit(
        train: &LabelledEmbeddings,
        valid: &LabelledEmbeddings,
        config: &AttentiveConfig,
        seed: u64,
    ) -> Result<Self> {
        let budget = config.budget()?;
        let dim = train.embeddings().dim;
        check_dim(dim, valid)?;
        let params = Params::new(DType::F32, &Device::Cpu, seed);
        let head = AttentiveHead::new(dim, train.parameters(), &params)?;
        let (tokens, valid_tokens) = (Tokens::new(train.embeddings()), Tokens::new(valid.embeddings()));
        let forward = |tokens: &Tensor| Ok(head.forward(tokens)?);
        let (train, valid) = ((&tokens as &dyn Inputs, train.labels()), (&valid_tokens as &dyn Inputs, valid.labels()));
        let history = training::train(budget, seed, &params, &forward, train, valid)?;
        Ok(Self { head, dim, record: AttentiveRecord::of(history, dim, &params) })
    }

    /// Predicted labels, `(N, P)`.
    ///
    /// # Errors
    /// If the split's tokens have other dimensions than those of the fit.
    pub fn predict(&self, split: &LabelledEmbeddings) -> Result<Vec<f32>> {
        check_dim(self.dim, split)?;
        self.head.predict(&Tokens::new(split.embeddings()), split.n())
    }

    /// The selected epoch, and the training history.
    pub fn record(&self) -> &AttentiveRecord {
        &self.record
    }
}

impl Inputs for Tokens<'_> {
    fn batch(&self, windows: &[u32]) -> Result<Tensor> {
        Ok(self.batch(windows, &Device::Cpu)?)
    }
}
