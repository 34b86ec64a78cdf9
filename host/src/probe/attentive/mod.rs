//! The paper's probe: an attentive classifier trained on frozen tokens, of the same capacity for
//! every method.
//!
//! Protocol (arXiv:2603.13227, as released): AdamW with betas (0.9, 0.999) and a cosine from the
//! learning rate to zero, mean squared error on z-scored labels, no dropout. Where the released
//! code leaves things open or lets them differ between methods, this probe fixes them: the MLP is
//! four times as wide as a token for all, every batch is one update, every window is used, and the
//! epoch that is reported is the one with the lowest error on the validation split.

mod head;
mod tokens;

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use physrep_nn::optim::{AdamW, AdamWConfig};
use physrep_nn::schedule::CosineSchedule;
use physrep_nn::{Params, Rng};
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use super::metrics;
use super::split::{Labels, Split, check_dim};

pub use head::{Head, heads};
pub use tokens::{Tokens, normalise};

/// Windows that are predicted together; of no influence on the answer.
const PREDICTED_TOGETHER: usize = 256;

/// Settings of the attentive probe; the defaults are the paper's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Passes over the training split.
    pub epochs: usize,
    /// Windows of one update; the last batch of an epoch may have fewer.
    pub batch: usize,
    /// Learning rate of the first update, from where a cosine leads to zero.
    pub learning_rate: f64,
    /// Decoupled weight decay of all parameters.
    pub weight_decay: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { epochs: 100, batch: 32, learning_rate: 1e-3, weight_decay: 0.01 }
    }
}

impl Config {
    fn check(&self) -> Result<()> {
        let refuse = |setting, expected, found: String| Err(Error::Setting { setting, expected, found });
        if self.epochs == 0 {
            return refuse("attentive.epochs", "at least 1", "0".into());
        }
        if self.batch == 0 {
            return refuse("attentive.batch", "at least 1", "0".into());
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return refuse("attentive.learning_rate", "a positive number", self.learning_rate.to_string());
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return refuse("attentive.weight_decay", "zero or a positive number", self.weight_decay.to_string());
        }
        Ok(())
    }
}

/// What was chosen, and how the training went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The epoch whose weights predict, counted from 1.
    pub epoch: usize,
    /// Heads of the attention: the largest number up to eight that divides the width of a token.
    pub heads: usize,
    /// Trainable numbers of the head.
    pub head_parameters: usize,
    /// Mean squared error over each epoch's batches, as they were met in training.
    pub train: Vec<f64>,
    /// Mean squared error on the validation split after each epoch.
    pub valid: Vec<f64>,
}

/// A trained head.
pub struct Attentive {
    head: Head,
    dim: usize,
    record: Record,
}

impl Attentive {
    /// Trains on `train` and keeps the weights of the epoch that is best on `valid`. `seed` starts
    /// the weights and orders the windows.
    ///
    /// # Errors
    /// If a setting makes no sense, if the splits' tokens differ in width, or if the training does
    /// not stay finite.
    pub fn fit(train: &Split, valid: &Split, config: &Config, seed: u64) -> Result<Self> {
        config.check()?;
        let dim = train.embeddings().dim;
        check_dim(dim, valid)?;
        let params = Params::new(DType::F32, &Device::Cpu, seed);
        let head = Head::new(dim, train.parameters(), &params)?;
        let mut training = Training::new(train, config, seed, &params)?;
        let valid_tokens = Tokens::new(valid.embeddings());

        let mut best: Option<(f64, BTreeMap<String, Tensor>)> = None;
        let head_parameters = params.named().iter().map(|(_, var)| var.elem_count()).sum();
        let mut record = Record { epoch: 0, heads: heads(dim), head_parameters, train: vec![], valid: vec![] };
        for epoch in 1..=config.epochs {
            let loss = training.epoch(&head)?;
            let error = metrics::scores(&predict(&head, &valid_tokens, valid.n())?, valid.labels())?.mse;
            if !loss.is_finite() || !error.is_finite() {
                return Err(Error::Diverged { epoch, train: loss, valid: error });
            }
            record.train.push(loss);
            record.valid.push(error);
            if best.as_ref().is_none_or(|(lowest, _)| error < *lowest) {
                record.epoch = epoch;
                best = Some((error, snapshot(&params)?));
            }
        }
        if let Some((_, weights)) = &best {
            params.load(weights)?;
        }
        Ok(Self { head, dim, record })
    }

    /// Predicted labels, `(N, P)`.
    ///
    /// # Errors
    /// If the split's tokens differ in width from those of the fit.
    pub fn predict(&self, split: &Split) -> Result<Vec<f32>> {
        check_dim(self.dim, split)?;
        predict(&self.head, &Tokens::new(split.embeddings()), split.n())
    }

    /// What was chosen.
    pub fn record(&self) -> &Record {
        &self.record
    }
}

/// The optimizer and its way through the training split.
struct Training<'a> {
    tokens: Tokens<'a>,
    labels: &'a Labels,
    batch: usize,
    seed: u64,
    optimizer: AdamW,
    schedule: CosineSchedule,
    epoch: u64,
    step: usize,
}

impl<'a> Training<'a> {
    fn new(train: &'a Split, config: &Config, seed: u64, params: &Params) -> Result<Self> {
        let (peak, weight_decay) = (config.learning_rate, config.weight_decay);
        let steps = config.epochs * train.n().div_ceil(config.batch);
        Ok(Self {
            tokens: Tokens::new(train.embeddings()),
            labels: train.labels(),
            batch: config.batch,
            seed,
            optimizer: AdamW::new(params.named(), AdamWConfig { lr: peak, weight_decay, ..Default::default() })?,
            schedule: CosineSchedule { peak, last: 0.0, steps, warmup_steps: 0, warmup_start: 0.0 },
            epoch: 0,
            step: 0,
        })
    }

    /// One pass over the windows in a new order; returns the mean squared error over them.
    fn epoch(&mut self, head: &Head) -> Result<f64> {
        let order = Rng::new(self.seed, "probe order", self.epoch).permutation(self.labels.n());
        let mut sum = 0.0;
        for windows in order.chunks(self.batch) {
            let tokens = self.tokens.batch(windows, &Device::Cpu)?;
            let loss = candle_nn::loss::mse(&head.forward(&tokens)?, &labels(self.labels, windows)?)?;
            self.optimizer.step(&loss.backward()?, self.schedule.at(self.step))?;
            sum += f64::from(loss.to_scalar::<f32>()?) * windows.len() as f64;
            self.step += 1;
        }
        self.epoch += 1;
        Ok(sum / order.len() as f64)
    }
}

/// The labels of some windows, `(windows, P)`.
fn labels(labels: &Labels, windows: &[u32]) -> candle_core::Result<Tensor> {
    let width = labels.names.len();
    let row = |&window: &u32| &labels.values[window as usize * width..][..width];
    let values: Vec<f32> = windows.iter().flat_map(row).copied().collect();
    Tensor::from_vec(values, (windows.len(), width), &Device::Cpu)
}

/// The labels `(N, P)` that a head predicts for the first `n` windows.
pub(crate) fn predict(head: &Head, tokens: &Tokens, n: usize) -> Result<Vec<f32>> {
    let windows: Vec<u32> = (0..n as u32).collect();
    let mut predictions = Vec::new();
    for windows in windows.chunks(PREDICTED_TOGETHER) {
        let output = head.forward(&tokens.batch(windows, &Device::Cpu)?)?;
        predictions.extend(output.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(predictions)
}

/// A copy of all weights; the optimizer goes on to change them in place.
pub(crate) fn snapshot(params: &Params) -> candle_core::Result<BTreeMap<String, Tensor>> {
    params.named().into_iter().map(|(name, var)| Ok((name, var.as_tensor().copy()?))).collect()
}
