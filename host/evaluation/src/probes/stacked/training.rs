//! Training of stacked fits: that of [`super::super::training`], for all fits at once.
//!
//! Inputs and labels are on the device from the start, and a batch is a selection of their rows. Losses are read once per epoch,
//! because a read waits for the device.

use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor};
use physrep_statistics::{Labels, scores};

use super::{network::Network, parameters::StackedParameters};
use crate::probes::training::{Budget, PREDICTION_BATCH, TrainingHistory};

/// Trains `parameters`, which `network` maps inputs to labels with, on one split, and keeps for each fit the weights of the epoch that
/// is best on the other. `seeds` draw the orders of windows.
///
/// # Errors
/// If a loss or a validation error does not stay finite.
pub(super) fn train(
    budget: Budget,
    seeds: &[u64],
    parameters: &StackedParameters,
    network: &dyn Network,
    (inputs, truth): (&Tensor, &Labels),
    (valid_inputs, valid): (&Tensor, &Labels),
) -> crate::Result<Vec<TrainingHistory>> {
    let device = inputs.device();
    let (windows, fits) = (truth.n(), seeds.len());
    let labels = Tensor::from_slice(&truth.values, (windows, truth.names.len()), device)?;
    let schedule = budget.schedule(windows);
    let mut optimizer = budget.optimizer(parameters.named())?;
    let mut histories: Vec<_> =
        seeds.iter().map(|_| TrainingHistory { epoch: 0, train: vec![], valid: vec![] }).collect();
    let mut best = vec![BTreeMap::new(); fits];
    let mut step = 0;
    for epoch in 1..=budget.epochs {
        let order = EpochOrder::new(budget.batch, seeds, epoch, windows, device)?;
        let mut losses = Vec::new();
        for batch in order.batches() {
            let batch = batch?;
            let predicted = network.forward(&of_each_fit(inputs, &batch, fits)?)?;
            let squares = (predicted - of_each_fit(&labels, &batch, fits)?)?.sqr()?.flatten_from(1)?;
            let loss = squares.mean(1)?;
            optimizer.step(&loss.sum_all()?.backward()?, schedule.at(step))?;
            losses.push(loss.detach());
            step += 1;
        }
        let losses = order.means(&Tensor::stack(&losses, 0)?.to_vec2()?);
        let predicted = predict(network, valid_inputs)?;
        for (fit, ((history, loss), predicted)) in histories.iter_mut().zip(losses).zip(predicted).enumerate() {
            let error = scores(&predicted, valid)?.mse;
            if !loss.is_finite() || !error.is_finite() {
                return Err(budget.diverged(epoch, loss, error));
            }
            if history.valid.iter().all(|&before| error < before) {
                history.epoch = epoch;
                best[fit] = parameters.of_fit(fit)?;
            }
            history.train.push(loss);
            history.valid.push(error);
        }
    }
    parameters.set(&best)?;
    Ok(histories)
}

/// Rows `(fits * B)` of `(N, ...)`, as `(fits, B, ...)`.
fn of_each_fit(rows: &Tensor, batch: &Tensor, fits: usize) -> Result<Tensor> {
    let shape = [&[fits, batch.elem_count() / fits], &rows.dims()[1..]].concat();
    rows.index_select(batch, 0)?.reshape(shape)
}

/// The order of windows in one epoch, for each fit.
struct EpochOrder {
    batch: usize,
    windows: usize,
    fits: usize,
    /// Batch after batch, and in each the windows of one fit after the other.
    order: Tensor,
}

impl EpochOrder {
    fn new(batch: usize, seeds: &[u64], epoch: usize, windows: usize, device: &Device) -> Result<Self> {
        let orders: Vec<Vec<u32>> = seeds.iter().map(|&seed| Budget::order(seed, epoch, windows)).collect();
        let starts = (0..windows).step_by(batch);
        let of_batch = |start| orders.iter().flat_map(move |order| &order[start..windows.min(start + batch)]);
        let order: Vec<u32> = starts.flat_map(of_batch).copied().collect();
        Ok(Self { batch, windows, fits: seeds.len(), order: Tensor::new(order, device)? })
    }

    /// The windows of each batch, `(fits * B)`.
    fn batches(&self) -> impl Iterator<Item = Result<Tensor>> {
        self.sizes().map(|(start, size)| self.order.narrow(0, start * self.fits, size * self.fits))
    }

    /// The first window of each batch, and how many it has.
    fn sizes(&self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.windows).step_by(self.batch).map(|start| (start, self.batch.min(self.windows - start)))
    }

    /// For each fit, the mean over windows of the losses of its batches, `[batch][fit]`.
    fn means(&self, losses: &[Vec<f32>]) -> Vec<f64> {
        let sum = |fit: usize| -> f64 {
            losses.iter().zip(self.sizes()).map(|(loss, (_, size))| f64::from(loss[fit]) * size as f64).sum()
        };
        (0..self.fits).map(|fit| sum(fit) / self.windows as f64).collect()
    }
}

/// The labels `(N, P)` that each fit predicts for all inputs `(N, ...)`.
pub(super) fn predict(network: &dyn Network, inputs: &Tensor) -> Result<Vec<Vec<f32>>> {
    let windows = inputs.dim(0)?;
    let of_batch = |start| {
        let batch = inputs.narrow(0, start, PREDICTION_BATCH.min(windows - start))?;
        network.forward(&batch.unsqueeze(0)?)
    };
    let batches = (0..windows).step_by(PREDICTION_BATCH).map(of_batch).collect::<Result<Vec<_>>>()?;
    Tensor::cat(&batches, 1)?.flatten_from(1)?.to_vec2()
}
