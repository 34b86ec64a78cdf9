//! A perceptron with one hidden layer on mean-pooled tokens: a simple non-linear map.
//!
//! `y = W_2 gelu(W_1 z + b_1) + b_2`, with `z` the tokens' mean, standardised by the training split. The hidden layer has the same
//! width for every method, whatever the dimensions of its tokens.

use candle_core::{DType, Device, Tensor};
use physrep_nn::{Linear, Params, gelu};
use serde::{Deserialize, Serialize};

use super::standardise::Standardiser;
use super::training::{self, Budget, Inputs, TrainingHistory};
use crate::error::{Error, Result};
use crate::labelled::{LabelledEmbeddings, check_dim};

/// Settings of the perceptron.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MlpConfig {
    /// Width of the hidden layer.
    pub hidden: usize,
    /// Passes over the training split.
    pub epochs: usize,
    /// Windows per update; the last batch of an epoch may have fewer.
    pub batch: usize,
    /// Learning rate of the first update; it decays to zero by a cosine schedule.
    pub learning_rate: f64,
    /// Decoupled weight decay of all parameters.
    pub weight_decay: f64,
}

impl Default for MlpConfig {
    fn default() -> Self {
        Self { hidden: 256, epochs: 100, batch: 32, learning_rate: 1e-3, weight_decay: 0.01 }
    }
}

impl MlpConfig {
    /// The budget, checked with all other settings.
    pub(super) fn budget(&self) -> Result<Budget> {
        let Self { hidden, epochs, batch, learning_rate, weight_decay } = *self;
        let budget = Budget { probe: "mlp", epochs, batch, learning_rate, weight_decay };
        budget.check()?;
        if hidden == 0 {
            return Err(Error::Setting { setting: "mlp.hidden".into(), expected: "at least 1", found: "0".into() });
        }
        Ok(budget)
    }
}

/// The selected epoch, and the training history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MlpRecord {
    /// The epoch whose weights predict, counted from 1.
    pub epoch: usize,
    /// Elements in all trainable tensors.
    pub parameters: usize,
    /// Mean squared error over each epoch's batches, before each update.
    pub train: Vec<f64>,
    /// Mean squared error on the validation split after each epoch.
    pub valid: Vec<f64>,
}

impl MlpRecord {
    /// The record of a training of `params`.
    pub(super) fn of(history: TrainingHistory, params: &Params) -> Self {
        let TrainingHistory { epoch, train, valid } = history;
        Self { epoch, parameters: params.named().iter().map(|(_, var)| var.elem_count()).sum(), train, valid }
    }
}

/// A trained perceptron.
pub struct Mlp {
    scaling: Standardiser,
    layers: [Linear; 2],
    record: MlpRecord,
}

impl Mlp {
    /// Trains on `train` and keeps the weights of the epoch that is best on `valid`. `seed` draws the initial weights and the order
    /// of windows.
    ///
    /// # Errors
    /// If a setting is outside its range, the dimensions of the splits' tokens differ, or the loss does not stay finite.
    pub fn fit(train: &LabelledEmbeddings, valid: &LabelledEmbeddings, config: &MlpConfig, seed: u64) -> Result<Self> {
        let budget = config.budget()?;
        let dim = train.embeddings().dim;
        check_dim(dim, valid)?;
        let scaling = Standardiser::of(&train.embeddings().mean_pooled(), dim);
        let (inputs, valid_inputs) = (Pooled::of(train, &scaling), Pooled::of(valid, &scaling));
        let params = Params::new(DType::F32, &Device::Cpu, seed);
        let layers = layers(dim, config.hidden, train.parameters(), &params)?;
        let history = training::train(
            budget,
            seed,
            &params,
            &|inputs| forward(&layers, inputs),
            (&inputs, train.labels()),
            (&valid_inputs, valid.labels()),
        )?;
        Ok(Self { scaling, layers, record: MlpRecord::of(history, &params) })
    }

    /// Predicted labels, `(N, P)`.
    ///
    /// # Errors
    /// If the split's tokens have other dimensions than those of the fit.
    pub fn predict(&self, split: &LabelledEmbeddings) -> Result<Vec<f32>> {
        check_dim(self.scaling.dim(), split)?;
        training::predict(&|inputs| forward(&self.layers, inputs), &Pooled::of(split, &self.scaling), split.n())
    }

    /// The selected epoch, and the training history.
    pub fn record(&self) -> &MlpRecord {
        &self.record
    }
}

/// The hidden and the output layer, `hidden` and `output`, at their initial weights.
pub(super) fn layers(dim: usize, hidden: usize, outputs: usize, params: &Params) -> candle_core::Result<[Linear; 2]> {
    Ok([Linear::new(dim, hidden, params.pp("hidden"))?, Linear::new(hidden, outputs, params.pp("output"))?])
}

/// `(B, dim)` to `(B, P)`.
fn forward([hidden, output]: &[Linear; 2], inputs: &Tensor) -> Result<Tensor> {
    Ok(output.forward(&gelu(&hidden.forward(inputs)?)?)?)
}

/// Mean-pooled, standardised tokens, `(N, dim)`.
pub(super) struct Pooled {
    pub(super) values: Vec<f32>,
    dim: usize,
}

impl Pooled {
    pub(super) fn of(split: &LabelledEmbeddings, scaling: &Standardiser) -> Self {
        let values = scaling.apply(split.embeddings().mean_pooled());
        Self { values: values.into_iter().map(|value| value as f32).collect(), dim: scaling.dim() }
    }
}

impl Inputs for Pooled {
    fn batch(&self, windows: &[u32]) -> Result<Tensor> {
        let row = |&window: &u32| &self.values[window as usize * self.dim..][..self.dim];
        let values: Vec<f32> = windows.iter().flat_map(row).copied().collect();
        Ok(Tensor::from_vec(values, (windows.len(), self.dim), &Device::Cpu)?)
    }
}
