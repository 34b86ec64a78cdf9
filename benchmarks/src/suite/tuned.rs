//! How a method's configuration was tuned.

use serde::{Deserialize, Serialize};

use super::checks::at_least_one;

/// The random trials that chose a method's configuration, and where their record is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tuned {
    /// Trials, each of which looked at the valid split once.
    pub trials: u64,
    /// The record that `physrep-bench tune` wrote, from the root of the repository.
    pub record: String,
}

impl Tuned {
    pub(super) fn check(&self, method: &str) -> Result<(), String> {
        at_least_one(&format!("tuning.{method}.trials"), self.trials as usize)?;
        if self.record.ends_with(".json") {
            return Ok(());
        }
        Err(format!("`tuning.{method}.record` must be the path of a .json file, but is {:?}", self.record))
    }
}
