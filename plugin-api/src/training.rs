//! The optimizer's hyper-parameters: AdamW, with linear warm-up and cosine decay of the learning rate.

use physrep_nn::{AdamWConfig, Precision};
use serde::{Deserialize, Serialize};

/// AdamW and its schedule. The defaults are those of JEPA in arXiv:2603.13227.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Training {
    /// The learning rate at the end of the warm-up.
    pub lr: f64,
    /// The learning rate at the start of the warm-up and at the end of training.
    pub final_lr: f64,
    /// The fraction of the updates over which the learning rate rises from `final_lr` to `lr`.
    pub warmup: f64,
    /// Decoupled weight decay, applied to every parameter.
    pub weight_decay: f64,
    /// Decay rate of the first moment.
    pub beta1: f64,
    /// Decay rate of the second moment.
    pub beta2: f64,
    /// Added to the square root of the second moment.
    pub eps: f64,
    /// Batches per update; their gradients are averaged.
    pub accumulate: u64,
    /// The largest Euclidean norm of an update's gradients, over all parameters together; larger gradients are scaled
    /// down to it. 0 for no limit.
    pub clip: f64,
    /// The type of activations on a GPU. With `bf16`, [`Batch::clips`](crate::Batch::clips) has that type.
    pub precision: Precision,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            lr: 1e-3,
            final_lr: 1e-6,
            warmup: 0.1,
            weight_decay: 0.05,
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            accumulate: 1,
            clip: 0.0,
            precision: Precision::F32,
        }
    }
}

impl Training {
    /// Why the values are invalid, if they are.
    pub(crate) fn validate(&self) -> Result<(), String> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let within = |value: f64| (0.0..1.0).contains(&value);
        let checks = [
            (positive(self.lr), "lr", self.lr, "positive"),
            (self.final_lr >= 0.0 && self.final_lr <= self.lr, "final_lr", self.final_lr, "between 0 and lr"),
            (within(self.warmup), "warmup", self.warmup, "in [0, 1)"),
            (self.weight_decay >= 0.0 && self.weight_decay.is_finite(), "weight_decay", self.weight_decay, "0 or more"),
            (within(self.beta1), "beta1", self.beta1, "in [0, 1)"),
            (within(self.beta2), "beta2", self.beta2, "in [0, 1)"),
            (positive(self.eps), "eps", self.eps, "positive"),
            (self.clip >= 0.0 && self.clip.is_finite(), "clip", self.clip, "0 or more"),
            (self.accumulate > 0, "accumulate", self.accumulate as f64, "1 or more"),
        ];
        match checks.iter().find(|(holds, ..)| !holds) {
            Some((_, name, value, wanted)) => Err(format!("`{name}` (={value}) must be {wanted}")),
            None => Ok(()),
        }
    }

    pub(crate) fn adamw(&self) -> AdamWConfig {
        AdamWConfig {
            lr: self.lr,
            beta1: self.beta1,
            beta2: self.beta2,
            eps: self.eps,
            weight_decay: self.weight_decay,
        }
    }
}
