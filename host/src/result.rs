//! What a finished cell leaves: its identity, everything that was read from its embeddings, and what a reader needs to judge
//! it. Tables, reports and comparisons are derived from these records alone.
//!
//! The JSON Schema of a record is `docs/result.schema.json`.

use std::{collections::BTreeMap, fmt, path::Path};

use physrep_benchmarks::{Split, labels::Scaling, suite::Suite};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Error, Result,
    cell::Initialisation,
    environment::Environment,
    files,
    health::{GradientFlow, Spread},
    probe::control::Control,
};

/// The version of this record. It is part of a cell's address, so a record of another version is never read.
pub const SCHEMA: u32 = 4;

/// Which cell a record is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// The cell's content address.
    pub key: String,
    /// The suite.
    pub suite: SuiteFacts,
    /// The physical system.
    pub system: String,
    /// The method, or the variant of one.
    pub method: String,
    /// The state in which the encoder is probed.
    pub initialisation: Initialisation,
    /// The seed of the initial weights, the objective's randomness and the probes.
    pub seed: u64,
}

/// What makes rows comparable: a table refuses to mix suites that differ in any of this.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct SuiteFacts {
    /// The suite's name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// BLAKE3 of all that the suite says of the cell's system and of budgets and probes, so that a suite that was edited
    /// without a new version is found out.
    pub checksum: String,
}

impl SuiteFacts {
    /// The facts of `suite` as cells on `system` see it.
    pub fn of(suite: &Suite, system: &str) -> Self {
        let text = serde_json::json!(suite.deciding(&[system])).to_string();
        let checksum = blake3::hash(text.as_bytes()).to_hex()[..16].to_owned();
        Self { name: suite.name.clone(), version: suite.version, checksum }
    }
}

/// A finished cell.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CellResult {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Which cell this is.
    #[serde(flatten)]
    pub identity: Identity,
    /// The physical parameters, in the order of the labels, and how each becomes a label: `(scale(raw) - mean) / std`.
    pub parameters: Vec<Scaling>,
    /// The trajectories of each split that is scored.
    pub splits: BTreeMap<Split, Trajectories>,
    /// What each probe reads on each split. The same for every run of this cell on one machine.
    pub readings: Vec<Reading>,
    /// What each probe chose on the valid split, and how its fit went.
    pub choices: Vec<Choice>,
    /// Whether the numbers can be trusted; absent for a row that has no embeddings.
    pub health: Option<Health>,
    /// Facts about the encoder; absent for rows without one.
    pub encoder: Option<EncoderFacts>,
    /// What it takes to run the cell again.
    pub recipe: Recipe,
    /// Where and with what it was computed.
    pub environment: Environment,
    /// What it cost.
    pub cost: Cost,
}

impl CellResult {
    /// The record at `path`.
    ///
    /// # Errors
    ///
    /// If it is none, or one of another version.
    pub fn read(path: &Path) -> Result<Self> {
        let value: Value = files::read_json(path)?;
        let wrong = |reason: String| Error::File { path: path.to_owned(), reason };
        match value["schema"].as_u64() {
            Some(schema) if schema == u64::from(SCHEMA) => serde_json::from_value(value)
                .map_err(|e| wrong(format!("not a cell's result as docs/result.schema.json describes it: {e}"))),
            Some(schema) => Err(wrong(format!(
                "a result of schema {schema}; this program reads schema {SCHEMA}; run the cell again with it"
            ))),
            None => Err(wrong("not a cell's result: it has no number `schema`".into())),
        }
    }

    /// What `probe` reads of `split` on `track` from a share of the labels.
    pub fn reading(&self, track: Track, probe: &str, label_fraction: f64, split: Split) -> Option<&Reading> {
        self.readings.iter().find(|reading| {
            (reading.track, reading.probe.as_str(), reading.label_fraction, reading.split)
                == (track, probe, label_fraction, split)
        })
    }
}

/// A cell whose last attempt failed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Which cell this is.
    #[serde(flatten)]
    pub identity: Identity,
    /// Why, in one sentence.
    pub reason: String,
}

/// The trajectories of one split, the unit of all statistics: windows of one trajectory are alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trajectories {
    /// The number of each trajectory in the packed data, ascending.
    pub index: Vec<u32>,
    /// The windows that each is cut into.
    pub windows: Vec<u32>,
    /// The true labels, `[parameter][trajectory]`, scaled.
    pub labels: Vec<Vec<f32>>,
}

/// What labels may train. Tables never mix the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Track {
    /// The probe alone; the encoder is frozen.
    Frozen,
    /// Encoder and probe together.
    EndToEnd,
}

impl Track {
    /// Both, in the order of tables.
    pub const ALL: [Self; 2] = [Self::Frozen, Self::EndToEnd];
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Frozen => "frozen",
            Self::EndToEnd => "end-to-end",
        })
    }
}

/// What one probe, fitted on a share of the labels, reads on one split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// What the labels trained.
    pub track: Track,
    /// The probe.
    pub probe: String,
    /// The share of the trajectories of train, and of valid, whose labels the fit and its choices saw, in (0, 1].
    pub label_fraction: f64,
    /// The split: valid, where the probe chose, test, or held-out.
    pub split: Split,
    /// One entry a parameter, in the order of the labels.
    pub parameters: Vec<ParameterReading>,
    /// The mean over parameters of each measure.
    pub mean: Measures,
}

/// What is read of one parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ParameterReading {
    /// The parameter.
    pub name: String,
    /// How well it is read.
    #[serde(flatten)]
    pub measures: Measures,
    /// For each trajectory of the split, the mean over its windows of the predicted label.
    pub predicted: Vec<f32>,
    /// For each trajectory of the split, the mean over its windows of the squared error.
    pub squared_error: Vec<f32>,
}

/// How well a parameter is read. Labels are scaled, so that always predicting the mean has an error of 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measures {
    /// Mean squared error over windows.
    pub mse: f64,
    /// Coefficient of determination over windows, against the split's own mean; none if its labels are all equal.
    pub r2: Option<f64>,
    /// Mean squared error over trajectories, of the mean prediction over a trajectory's windows.
    pub trajectory_mse: f64,
    /// Coefficient of determination over trajectories.
    pub trajectory_r2: Option<f64>,
}

/// What a fit chose on the valid split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// What the labels trained.
    pub track: Track,
    /// The probe.
    pub probe: String,
    /// The share of labels, as in [`Reading::label_fraction`].
    pub label_fraction: f64,
    /// The choice, such as a penalty or an epoch, and what it was made from.
    pub record: Value,
}

/// Whether a row's numbers can be trusted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// How the embeddings of train, averaged over tokens, spread: a collapsed encoder fills few dimensions.
    pub spread: Spread,
    /// The gradient in the first steps of pretraining; absent where there is no pretraining.
    pub gradient: Option<GradientFlow>,
    /// Whether the encoder's checksum was the same before and after probing; absent without an encoder.
    pub encoder_unchanged: Option<bool>,
    /// What the ridge probe reads when labels are shuffled among trajectories.
    pub control: Control,
}

/// Facts about an encoder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EncoderFacts {
    /// Numbers in the encoder's trainable tensors.
    pub encoder_parameters: u64,
    /// Numbers in all trainable tensors of the method.
    pub method_parameters: u64,
    /// Tokens of an embedding.
    pub tokens: usize,
    /// Length of a token.
    pub dim: usize,
    /// BLAKE3 over the encoder's parameters, the same before and after probing.
    pub checksum: String,
    /// BLAKE3 of the plugin's library.
    pub plugin_checksum: String,
}

/// What it takes to run a cell again, besides the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recipe {
    /// The suite, whole.
    pub suite: Value,
    /// The keys of the method's configuration that differ from the defaults; null for rows without a method.
    pub config: Value,
    /// The method that the plugin implements: the row's, or that of which it is a variant; none for rows without one.
    pub plugin: Option<String>,
}

/// What a cell cost, over all attempts that contributed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// Pretraining, summed over interrupted attempts. A joint one is told whole, in the cell of every system.
    pub pretrain: PhaseCost,
    /// Encoding all splits for the probes.
    pub encode: PhaseCost,
    /// Fitting and scoring all probes.
    pub probe: PhaseCost,
    /// End-to-end training, its choice on valid and its scoring.
    pub finetune: PhaseCost,
    /// The most memory that the worker which left the result held, in MiB, if the system tells.
    pub peak_memory_mib: Option<u64>,
}

/// What one phase of a cell cost; all zero if the cell has no such phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseCost {
    /// Windows seen, counted with repetition.
    pub samples: u64,
    /// Seconds.
    pub seconds: f64,
    /// The most memory that the worker held meanwhile, in MiB, what earlier phases left included; none where the system
    /// does not tell phases apart.
    pub peak_memory_mib: Option<u64>,
    /// The most memory that tensors and waiting batches held on a card meanwhile, in MiB, what earlier phases left included;
    /// none on the CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_card_memory_mib: Option<u64>,
}

impl PhaseCost {
    /// What two attempts at a phase cost together, of which both contributed; of `samples` windows. A peak that is not known
    /// of one is not known of both.
    pub fn and(self, other: Self, samples: u64) -> Self {
        let higher = |a: Option<u64>, b: Option<u64>| a.zip(b).map(|(a, b)| a.max(b));
        Self {
            samples,
            seconds: self.seconds + other.seconds,
            peak_memory_mib: higher(self.peak_memory_mib, other.peak_memory_mib),
            peak_card_memory_mib: higher(self.peak_card_memory_mib, other.peak_card_memory_mib),
        }
    }
}

/// The JSON Schema of a finished cell's record.
pub fn json_schema() -> Value {
    schemars::schema_for!(CellResult).to_value()
}
