//! Training of probes with weights: AdamW with a cosine schedule from the learning rate to zero, mean squared error on scaled
//! labels, every window once per epoch in a new order, and the weights of the epoch that is best on the validation split.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor, Var};
use physrep_nn::{AdamW, AdamWConfig, CosineSchedule, Params};
use physrep_random::Stream;
use physrep_statistics::{Labels, scores};

use crate::error::{Error, Result};

/// Windows per batch of prediction; it does not change the predictions.
pub(super) const PREDICTION_BATCH: usize = 256;

/// The inputs that a network gets from a split.
pub(crate) trait Inputs {
    /// The inputs of some windows, `(windows, ...)`.
    fn batch(&self, windows: &[u32]) -> Result<Tensor>;
}

/// The budget and optimizer settings of a training.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    /// The probe's name in messages.
    pub(super) probe: &'static str,
    pub(super) epochs: usize,
    pub(super) batch: usize,
    pub(super) learning_rate: f64,
    pub(super) weight_decay: f64,
}

impl Budget {
    pub(super) fn check(&self) -> Result<()> {
        let refuse = |setting: &str, expected, found: String| {
            Err(Error::Setting { setting: format!("{}.{setting}", self.probe), expected, found })
        };
        if self.epochs == 0 {
            return refuse("epochs", "at least 1", "0".into());
        }
        if self.batch == 0 {
            return refuse("batch", "at least 1", "0".into());
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return refuse("learning_rate", "a positive number", self.learning_rate.to_string());
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return refuse("weight_decay", "zero or a positive number", self.weight_decay.to_string());
        }
        Ok(())
    }

    /// The learning rate of each step of a training on so many windows.
    pub(super) fn schedule(&self, windows: usize) -> CosineSchedule {
        let steps = self.epochs * windows.div_ceil(self.batch);
        CosineSchedule { peak: self.learning_rate, last: 0.0, steps, warmup_steps: 0, warmup_start: 0.0 }
    }

    /// The optimizer of the parameters.
    pub(super) fn optimizer(&self, parameters: Vec<(String, Var)>) -> Result<AdamW> {
        let Self { learning_rate: lr, weight_decay, .. } = *self;
        Ok(AdamW::new(parameters, AdamWConfig { lr, weight_decay, ..Default::default() })?)
    }

    /// The order of windows in an epoch, counted from 1.
    pub(super) fn order(seed: u64, epoch: usize, windows: usize) -> Vec<u32> {
        Stream::new(seed, "probe order", epoch as u64 - 1).permutation(windows)
    }

    /// The error of a training that does not stay finite.
    pub(super) fn diverged(&self, epoch: usize, train: f64, valid: f64) -> Error {
        Error::Diverged { probe: self.probe, epoch, train, valid }
    }
}

/// The errors of a training, epoch by epoch.
pub(super) struct TrainingHistory {
    /// The epoch whose weights were kept, counted from 1.
    pub(super) epoch: usize,
    /// Mean squared error over each epoch's batches, before each update.
    pub(super) train: Vec<f64>,
    /// Mean squared error on the validation split after each epoch.
    pub(super) valid: Vec<f64>,
}

/// Trains `params`, with which `forward` maps inputs to labels, on one split, and keeps the weights of the epoch that is best on the
/// other. `seed` draws the order of windows.
///
/// # Errors
/// If the loss or the validation error does not stay finite.
pub(super) fn train(
    budget: Budget,
    seed: u64,
    params: &Params,
    forward: &dyn Fn(&Tensor) -> Result<Tensor>,
    (inputs, truth): (&dyn Inputs, &Labels),
    (valid_inputs, valid): (&dyn Inputs, &Labels),
) -> Result<TrainingHistory> {
    let schedule = budget.schedule(truth.n());
    let mut optimizer = budget.optimizer(params.named())?;
    let mut step = 0;
    let mut best: Option<(f64, BTreeMap<String, Tensor>)> = None;
    let mut history = TrainingHistory { epoch: 0, train: vec![], valid: vec![] };
    for epoch in 1..=budget.epochs {
        let order = Budget::order(seed, epoch, truth.n());
        let mut sum = 0.0;
        for windows in order.chunks(budget.batch) {
            let loss = (forward(&inputs.batch(windows)?)? - labels(truth, windows)?)?.sqr()?.mean_all()?;
            optimizer.step(&loss.backward()?, schedule.at(step))?;
            sum += f64::from(loss.to_scalar::<f32>()?) * windows.len() as f64;
            step += 1;
        }
        let loss = sum / order.len() as f64;
        let error = scores(&predict(forward, valid_inputs, valid.n())?, valid)?.mse;
        if !loss.is_finite() || !error.is_finite() {
            return Err(budget.diverged(epoch, loss, error));
        }
        history.train.push(loss);
        history.valid.push(error);
        if best.as_ref().is_none_or(|(lowest, _)| error < *lowest) {
            history.epoch = epoch;
            best = Some((error, copy_weights(params)?));
        }
    }
    if let Some((_, weights)) = &best {
        params.load(weights)?;
    }
    Ok(history)
}

/// The labels of some windows, `(windows, P)`.
fn labels(labels: &Labels, windows: &[u32]) -> candle_core::Result<Tensor> {
    let width = labels.names.len();
    let row = |&window: &u32| &labels.values[window as usize * width..][..width];
    let values: Vec<f32> = windows.iter().flat_map(row).copied().collect();
    Tensor::from_vec(values, (windows.len(), width), &Device::Cpu)
}

/// The labels `(N, P)` that `forward` predicts for the first `n` windows.
pub(crate) fn predict(forward: &dyn Fn(&Tensor) -> Result<Tensor>, inputs: &dyn Inputs, n: usize) -> Result<Vec<f32>> {
    let windows: Vec<u32> = (0..n as u32).collect();
    let mut predictions = Vec::new();
    for windows in windows.chunks(PREDICTION_BATCH) {
        predictions.extend(forward(&inputs.batch(windows)?)?.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(predictions)
}

/// A copy of all weights, which the optimizer changes in place.
///
/// # Errors
/// If the device is out of memory.
pub fn copy_weights(params: &Params) -> candle_core::Result<BTreeMap<String, Tensor>> {
    params.named().into_iter().map(|(name, var)| Ok((name, var.as_tensor().copy()?))).collect()
}
