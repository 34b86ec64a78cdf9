//! The record of a tuning: random trials of a method's configuration, and the one that was chosen on valid.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::identity::SuiteFacts;

/// The trials of a method's configuration, drawn from ranges and scored on valid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TuningRecord {
    /// The version of this record, [`Self::SCHEMA`].
    pub schema: u32,
    /// The method, or the variant of the suite.
    pub method: String,
    /// What a trial's score is. Lower is better.
    pub objective: String,
    /// The systems that the score is the mean over, in the suite's order.
    pub systems: Vec<TunedOn>,
    /// The seed of the trials' cells: the suite's first.
    pub cell_seed: u64,
    /// The seed of the draws.
    pub seed: u64,
    /// The ranges that were drawn from.
    pub ranges: RangesFile,
    /// The suite's configuration of the method, under the keys that were drawn.
    pub base: Value,
    /// Every trial, in the order in which they were drawn. Each looked at valid once.
    pub trials: Vec<TrialRecord>,
    /// The trial with the lowest score; none if all failed.
    pub chosen: Option<u64>,
    /// The configuration of the chosen trial: `base` with its keys.
    pub config: Value,
    /// What computed it.
    pub program: TuningProgram,
}

impl TuningRecord {
    /// The version of the record.
    pub const SCHEMA: u32 = 1;
}

/// A system that a method was tuned on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TunedOn {
    /// The system.
    pub system: String,
    /// The suite, for this system.
    pub suite: SuiteFacts,
    /// BLAKE3 of the packed data.
    pub data_checksum: String,
}

/// A file of ranges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangesFile {
    /// BLAKE3 of its text, in hexadecimal.
    pub checksum: String,
    /// Its text.
    pub text: String,
}

/// A trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialRecord {
    /// Its number, from 0.
    pub trial: u64,
    /// The keys that were drawn, such as `training.lr`, and their values.
    pub drawn: BTreeMap<String, Value>,
    /// The mean over systems of the objective; none if it failed on any of them.
    pub score: Option<f64>,
    /// The outcome on each system.
    pub systems: BTreeMap<String, TrialOutcome>,
    /// Seconds of pretraining, encoding and probing, over all systems that it did not fail on.
    pub seconds: f64,
}

/// The outcome of a trial on a system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrialOutcome {
    /// The objective.
    Score(f64),
    /// Why it failed, such as a loss that is not finite.
    Failed(String),
}

/// The program and the plugin that ran the trials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TuningProgram {
    /// Version of physrep-bench.
    pub physrep_bench: String,
    /// The git revision it was built from.
    pub git_revision: String,
    /// The device of the method.
    pub device: String,
    /// BLAKE3 of the plugin's library.
    pub plugin_checksum: String,
    /// The version of the method's crate, if the plugin reports it.
    pub method_version: Option<String>,
    /// The revision of the method's sources, if the plugin reports it.
    pub method_revision: Option<String>,
}
