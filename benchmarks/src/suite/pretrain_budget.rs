//! How much data pretraining sees.

use serde::{Deserialize, Serialize};

/// How much data pretraining sees; the same for every method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PretrainBudget {
    /// Windows seen, counted with repetition.
    pub samples: u64,
    /// Windows of one optimizer step.
    pub batch: usize,
    /// Whether methods that can learn from several systems at once also get a row that was pretrained on all systems of
    /// the suite together: on `samples` windows of each, in batches that alternate between the systems.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub joint: bool,
}

impl PretrainBudget {
    /// Optimizer steps: batches until at least `samples` windows were seen.
    pub fn steps(&self) -> u64 {
        self.samples.div_ceil(self.batch as u64)
    }
}
