//! The optimizer's part of a pretraining step: accumulation, clipping, AdamW, the schedule and the step count.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, Var, backprop::GradStore};
use physrep_nn::{AdamW, CosineSchedule, clip_gradients};

use crate::Training;

/// The state of the optimization. A step calls [`accumulate`](Self::accumulate), if that completes an update
/// [`clip`](Self::clip) and [`update`](Self::update), and last [`finish_step`](Self::finish_step).
pub(super) struct Optimization {
    optimizer: AdamW,
    training: Training,
    schedule: CosineSchedule,
    /// Sums of gradients since the last update, by parameter; empty right after one.
    accumulated: BTreeMap<String, Tensor>,
    /// Steps done.
    step: u64,
    /// Steps of the whole run.
    total: u64,
}

impl Optimization {
    /// Before the first of `total` steps.
    pub(super) fn new(trained: Vec<(String, Var)>, training: Training, total: u64) -> Result<Self> {
        let updates = total.div_ceil(training.accumulate);
        let schedule = CosineSchedule {
            peak: training.lr,
            last: training.final_lr,
            steps: updates as usize,
            warmup_steps: (training.warmup * updates as f64).round() as usize,
            warmup_start: training.final_lr,
        };
        let optimizer = AdamW::new(trained, training.adamw())?;
        Ok(Self { optimizer, training, schedule, accumulated: BTreeMap::new(), step: 0, total })
    }

    pub(super) fn training(&self) -> &Training {
        &self.training
    }

    /// The number of steps done.
    pub(super) fn step(&self) -> u64 {
        self.step
    }

    /// The learning rate of the current step.
    pub(super) fn learning_rate(&self) -> f64 {
        self.schedule.at((self.step / self.training.accumulate) as usize)
    }

    /// Adds one batch's gradients. Returns the mean over the batches of an update, when this batch is its last.
    pub(super) fn accumulate(
        &mut self,
        trained: &[(String, Var)],
        mut gradients: GradStore,
    ) -> Result<Option<GradStore>> {
        let completes_update = (self.step + 1).is_multiple_of(self.training.accumulate) || self.step + 1 == self.total;
        for (name, var) in trained {
            let Some(gradient) = gradients.get(var) else {
                continue; // the optimizer's error names a parameter that no gradient reaches
            };
            let mut sum = gradient.clone();
            if let Some(before) = self.accumulated.remove(name) {
                sum = (sum + before)?;
            }
            if completes_update {
                if self.training.accumulate > 1 {
                    sum = (sum / self.training.accumulate as f64)?;
                }
                gradients.insert(var, sum);
            } else {
                // Kept beyond this step, so it must not hold the graph.
                self.accumulated.insert(name.clone(), sum.detach());
            }
        }
        Ok(completes_update.then_some(gradients))
    }

    /// Clips an update's gradients, if the configuration says so. Returns their norm before clipping.
    pub(super) fn clip(&self, trained: &[(String, Var)], gradients: &mut GradStore) -> Result<Option<f64>> {
        match self.training.clip {
            limit if limit > 0.0 => clip_gradients(trained, gradients, limit).map(Some),
            _ => Ok(None),
        }
    }

    /// Updates the parameters.
    pub(super) fn update(&mut self, gradients: &GradStore) -> Result<()> {
        self.optimizer.step(gradients, self.learning_rate())
    }

    pub(super) fn finish_step(&mut self) {
        self.step += 1;
    }

    /// The optimizer's moments by name, for a checkpoint.
    pub(super) fn moments(&self) -> Result<BTreeMap<String, Tensor>> {
        Ok(self.optimizer.state()?.into_iter().collect())
    }

    /// The gradients of batches since the last update, for a checkpoint.
    pub(super) fn accumulated(&self) -> &BTreeMap<String, Tensor> {
        &self.accumulated
    }

    /// Continues from a checkpoint.
    pub(super) fn restore(
        &mut self,
        moments: &BTreeMap<String, Tensor>,
        accumulated: BTreeMap<String, Tensor>,
        step: u64,
    ) -> Result<()> {
        self.optimizer.load_state(moments)?;
        self.accumulated = accumulated;
        self.step = step;
        Ok(())
    }
}
