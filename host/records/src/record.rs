//! The record of a finished cell: its identity, its scores, and what a reader needs to judge them. Tables, reports and comparisons
//! are derived from these records alone. Doc comments here are the descriptions in the JSON Schema.

use std::{collections::BTreeMap, path::Path};

use physrep_benchmarks::{Regime, Split, label_scale::Scaling};
use physrep_statistics::{GradientFlow, LabelPermutation, Spread};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    cost::Cost,
    environment::Environment,
    error::{Error, Result},
    files,
    identity::{Identity, Initialisation, SCHEMA},
    score::{ProbeScore, Selection, Track},
    sealed::{self, Digest},
};

/// A finished cell.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CellRecord {
    /// The version of the record, [`SCHEMA`].
    pub schema: u32,
    /// BLAKE3 of this file with 64 zeros in place of these digits.
    pub digest: Digest,
    /// Which cell this is.
    #[serde(flatten)]
    pub identity: Identity,
    /// Whether the encoder was trained outside this program, and so outside the suite's budget: exactly if `initialisation` is
    /// `elsewhere`. A method in another process was not.
    #[serde(default)]
    pub external: bool,
    /// The physical parameters, in the order of the labels, and how each becomes a label: `(scale(raw) - mean) / std`.
    pub parameters: Vec<Scaling>,
    /// The trajectories of each split that is scored.
    pub splits: BTreeMap<Split, ScoredTrajectories>,
    /// The trajectories whose labels the probes saw, for each label fraction.
    pub label_subsets: Vec<LabelSubset>,
    /// The score of each probe on each split. The same for every run of this cell on one machine.
    pub scores: Vec<ProbeScore>,
    /// What each probe selected on the valid split, and how its fit went.
    pub selections: Vec<Selection>,
    /// Health checks of the scores; none for a row without embeddings, and for a trial of a tuning.
    pub health: Option<Health>,
    /// Facts about the encoder; none for rows without one.
    pub encoder: Option<EncoderFacts>,
    /// Facts about embeddings that were made elsewhere; none for any other row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<ElsewhereFacts>,
    /// What it takes to run the cell again.
    pub recipe: Recipe,
    /// The machine and the software versions that it was computed with.
    pub environment: Environment,
    /// The restrictions on the process that ran the method: of files, of signals, of the network and system calls, and exceptions that
    /// the user made. Empty where there was none.
    #[serde(default)]
    pub sandbox: Vec<String>,
    /// BLAKE3 of the library that fitted probes on a GPU; none if all were fitted on the CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_library: Option<String>,
    /// Its time and memory.
    pub cost: Cost,
}

/// What says whether a record can be read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Version {
    schema: Value,
}

impl CellRecord {
    /// The record at `path`.
    ///
    /// # Errors
    ///
    /// If it is not a record, or one of another version, or holds what no run writes, or says of embeddings that were made elsewhere that they were not.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = files::read_bounded(path)?;
        let damaged = |reason: String| Error::Damaged { path: path.to_owned(), reason };
        let parsed = serde_json::from_slice::<Self>(&bytes);
        let schema = match &parsed {
            Ok(record) => Some(u64::from(record.schema)),
            Err(_) => {
                let version: Version = serde_json::from_slice(&bytes).map_err(|e| damaged(format!("not JSON: {e}")))?;
                version.schema.as_u64()
            }
        };
        let invalid = |reason: String| Error::File { path: path.to_owned(), reason };
        match schema {
            Some(schema) if schema == u64::from(SCHEMA) => {
                sealed::check(path, &bytes)?;
                let record = parsed.map_err(|e| {
                    invalid(format!("not a cell's record as docs/result.schema.json describes it: {e}"))
                })?;
                let elsewhere = record.identity.initialisation == Initialisation::Elsewhere;
                record.check().map_err(invalid)?;
                match (record.external, record.elsewhere.is_some()) == (elsewhere, elsewhere) {
                    true => Ok(record),
                    false => Err(invalid(format!(
                        "`external` is {} and `initialisation` is {}; expected `external` and `elsewhere` where that is elsewhere, and \
                         nowhere else",
                        record.external, record.identity.initialisation
                    ))),
                }
            }
            Some(schema) => Err(invalid(format!(
                "a record of schema {schema}; this program reads schema {SCHEMA}; run the cell again with it"
            ))),
            None => Err(invalid("not a cell's record: it has no integer `schema`".into())),
        }
    }

    /// The score of `probe` on a whole `split` and `track`, fitted on a fraction of the labels; none for held-out, which has one for
    /// each regime.
    pub fn score(&self, track: Track, probe: &str, label_fraction: f64, split: Split) -> Option<&ProbeScore> {
        self.scores.iter().find(|score| {
            (score.track, score.probe.as_str(), score.label_fraction, score.split, score.regime)
                == (track, probe, label_fraction, split, None)
        })
    }

    /// The score of `probe` on the held-out trajectories of a regime, fitted on all labels.
    pub fn regime_score(&self, track: Track, probe: &str, regime: Regime) -> Option<&ProbeScore> {
        self.scores.iter().find(|score| {
            (score.track, score.probe.as_str(), score.label_fraction, score.regime) == (track, probe, 1.0, Some(regime))
        })
    }

    /// The score of the same probe, fitted on the same fraction of the labels, on the same trajectories as `other`, a score of another
    /// record.
    pub fn counterpart(&self, other: &ProbeScore) -> Option<&ProbeScore> {
        self.scores.iter().find(|score| {
            (score.track, &score.probe, score.label_fraction, score.split, score.regime)
                == (other.track, &other.probe, other.label_fraction, other.split, other.regime)
        })
    }
}

/// A cell whose last attempt failed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CellFailure {
    /// The version of the record, [`SCHEMA`].
    pub schema: u32,
    /// Which cell this is.
    #[serde(flatten)]
    pub identity: Identity,
    /// Why, in one sentence.
    pub reason: String,
}

impl CellFailure {
    /// The failure at `path`.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or has names that no run writes.
    pub fn read(path: &Path) -> Result<Self> {
        let failure: Self = files::read_json(path)?;
        let checked = failure.identity.check();
        checked.map(|()| failure).map_err(|reason| Error::File { path: path.to_owned(), reason })
    }
}

/// The trajectories of one split, the unit of all statistics: windows of one trajectory are alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScoredTrajectories {
    /// The index of each trajectory in the packed data, ascending.
    pub index: Vec<u32>,
    /// The regime of each; empty for a split that is not held out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regimes: Vec<Regime>,
    /// The number of windows that each is cut into.
    pub windows: Vec<u32>,
    /// The true labels, `[parameter][trajectory]`, scaled.
    pub labels: Vec<Vec<f32>>,
}

/// The trajectories whose labels the probes saw at one label fraction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LabelSubset {
    /// The fraction, as in [`ProbeScore::label_fraction`].
    pub label_fraction: f64,
    /// Indices of the trajectories of train, ascending.
    pub train: Vec<u32>,
    /// Indices of the trajectories of valid, ascending.
    pub valid: Vec<u32>,
}

/// Health checks: whether a row's scores can be trusted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// How the embeddings of train, averaged over tokens, spread over their dimensions.
    pub spread: Spread,
    /// The gradient in the first steps of pretraining; none where there is no pretraining.
    pub gradient: Option<GradientFlow>,
    /// Whether the encoder's checksum was the same before and after encoding; none where nothing was compared: for rows without
    /// an encoder, or with one that shows no parameters, and where the probes used cached embeddings of an earlier attempt.
    pub encoder_unchanged: Option<bool>,
    /// Whether embeddings depend on their own window alone; none for rows without an encoder.
    #[serde(default)]
    pub encoding: Option<EncodingCheck>,
    /// The label permutation test of the ridge probe.
    pub label_permutation: LabelPermutation,
}

/// Windows of valid were embedded again. A cell in which an embedding changed by more than 0.02 of how much embeddings vary over windows
/// has failed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EncodingCheck {
    /// The largest change where each window was alone in its batch, as a fraction of the standard deviation over windows.
    pub alone: f64,
    /// The largest change where the window was in a batch with other windows.
    pub in_other_company: f64,
    /// Whether the same batch gave the same bytes twice.
    pub repeatable: bool,
}

/// Facts about an encoder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EncoderFacts {
    /// Elements in the encoder's trainable tensors.
    pub encoder_parameters: u64,
    /// Elements in all trainable tensors of the method.
    pub method_parameters: u64,
    /// Tokens per embedding.
    pub tokens: usize,
    /// Dimensions of a token.
    pub dim: usize,
    /// BLAKE3 over the encoder's parameters.
    pub checksum: String,
    /// BLAKE3 of the plugin's library; for a method in another process, of the checksums of the library and of its folder.
    pub plugin_checksum: String,
    /// The program, if the method is in another process; none for one in the plugin's library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<ProgramFacts>,
    /// The version of the method's crate, if the plugin reports it.
    #[serde(default)]
    pub method_version: Option<String>,
    /// The revision of the method's sources, if the plugin reports it.
    #[serde(default)]
    pub method_revision: Option<String>,
}

/// Facts about embeddings that were made elsewhere. What they were trained on is not known to this program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ElsewhereFacts {
    /// What their author says of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Tokens per embedding.
    pub tokens: usize,
    /// Dimensions of a token.
    pub dim: usize,
    /// BLAKE3 of the cell's `embeddings.safetensors`.
    pub checksum: String,
}

/// The program of a method in another process, which this program gave the same batches, noise and seeds as any other method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProgramFacts {
    /// How it was started, in its folder.
    pub command: String,
    /// BLAKE3 of the names and contents of the files in its folder.
    pub folder_checksum: String,
}

/// What it takes to run a cell again, besides the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recipe {
    /// The whole suite.
    pub suite: Value,
    /// The keys of the method's configuration that differ from the defaults; null for rows without a method.
    pub config: Value,
    /// The method that the plugin implements: the row's, or the one that the row is a variant of; none for rows without a plugin.
    pub plugin: Option<String>,
    /// The random trials that chose the configuration, each a look at valid; none if it was never tuned by the budget that is the same
    /// for all methods, or is not the one that was chosen.
    #[serde(default)]
    pub tuning_trials: Option<u64>,
}

/// The JSON Schema of a finished cell's record.
pub fn json_schema() -> Value {
    schemars::schema_for!(CellRecord).to_value()
}
