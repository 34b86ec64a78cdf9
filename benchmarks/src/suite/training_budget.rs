//! The training of a probe, or of an encoder and a probe together.

use serde::{Deserialize, Serialize};

use super::checks::{LARGEST_BATCH, count, not_negative, positive};

/// Training of a probe, or of an encoder and a probe together; the same for every method. The epoch whose weights are
/// best on the valid split is scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingBudget {
    /// Passes over the training windows.
    pub epochs: usize,
    /// Windows of one optimizer step.
    pub batch: usize,
    /// AdamW's learning rate at the start of the cosine schedule.
    pub lr: f64,
    /// AdamW's decoupled weight decay.
    pub weight_decay: f64,
}

impl TrainingBudget {
    pub(super) fn check(&self, section: &str) -> Result<(), String> {
        count(&format!("{section}.epochs"), self.epochs, 1_000_000)?;
        count(&format!("{section}.batch"), self.batch, LARGEST_BATCH)?;
        positive(&format!("{section}.lr"), self.lr)?;
        not_negative(&format!("{section}.weight_decay"), self.weight_decay)
    }
}
