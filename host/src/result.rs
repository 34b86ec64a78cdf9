//! What a finished cell leaves: its scores, and everything a reader needs to judge them.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{cell::Initialisation, environment::Environment};

/// The version of this record. It is part of a cell's address, so a record of another version is never read.
pub const SCHEMA: u32 = 3;

/// What labels may train. Tables never mix the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Track {
    /// The probe alone; the encoder is frozen.
    Frozen,
    /// Encoder and probe together.
    EndToEnd,
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Frozen => "frozen",
            Self::EndToEnd => "end-to-end",
        })
    }
}

/// One value of a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// What the labels trained.
    pub track: Track,
    /// The probe.
    pub probe: String,
    /// `valid`, `test` or `held_out`.
    pub split: String,
    /// A physical parameter, or `mean` over all of them.
    pub parameter: String,
    /// `mse` (on scaled labels: predicting the mean scores 1) or `r2`.
    pub metric: String,
    /// The value.
    pub value: f64,
}

/// A finished cell.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CellResult {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The cell's content address.
    pub key: String,
    /// The suite's name.
    pub suite: String,
    /// The suite's version.
    pub suite_version: u32,
    /// The physical system.
    pub system: String,
    /// The method.
    pub method: String,
    /// The state in which the encoder was probed.
    pub initialisation: Initialisation,
    /// The seed.
    pub seed: u64,
    /// The physical parameters, in the order of the labels.
    pub parameters: Vec<String>,
    /// All scores. The same for every run of this cell on one machine.
    pub scores: Vec<Score>,
    /// What each probe, and the end-to-end track, chose on the valid split.
    pub chosen: BTreeMap<String, serde_json::Value>,
    /// Facts about the encoder; absent for rows without one.
    pub encoder: Option<EncoderFacts>,
    /// Where and with what it was computed.
    pub environment: Environment,
    /// What it cost.
    pub cost: Cost,
}

/// Facts about an encoder.
#[derive(Clone, Debug, Serialize, Deserialize)]
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

/// What a cell cost, over all attempts that contributed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PhaseCost {
    /// Windows seen, counted with repetition.
    pub samples: u64,
    /// Seconds.
    pub seconds: f64,
    /// The most memory that the worker held meanwhile, in MiB, what earlier phases left included; none where the system
    /// does not tell phases apart.
    pub peak_memory_mib: Option<u64>,
}
