//! The budget of the end-to-end track.

use serde::{Deserialize, Serialize};

use super::training_budget::TrainingBudget;

/// Training of encoders end to end, together with the attentive probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinetuneBudget {
    /// Passes over the training windows.
    pub epochs: usize,
    /// Windows of one optimizer step.
    pub batch: usize,
    /// AdamW's learning rate at the start of the cosine schedule.
    pub lr: f64,
    /// AdamW's decoupled weight decay.
    pub weight_decay: f64,
    /// The methods whose encoders are trained; all of them when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<String>>,
}

impl FinetuneBudget {
    /// Whether the encoders of a method are trained.
    pub fn includes(&self, method: &str) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.iter().any(|name| name == method))
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let Self { epochs, batch, lr, weight_decay, .. } = *self;
        TrainingBudget { epochs, batch, lr, weight_decay }.check("finetune")
    }
}
