//! The identity of a cell, as its record holds it.

use std::fmt;

use physrep_benchmarks::{packed::clip_noise, suite::Suite};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the record. It is part of a cell's address, so a record of another version is never used.
pub const SCHEMA: u32 = 5;

/// The version of the evaluation protocol, raised by every change of the program that changes scores. The noise has a version of its
/// own.
pub(crate) const PROTOCOL: u32 = 3;

/// The identity of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// The cell's content address.
    pub key: String,
    /// The suite.
    pub suite: SuiteFacts,
    /// The physical system.
    pub system: String,
    /// The method, or the name of its variant.
    pub method: String,
    /// The state in which the encoder is probed.
    pub initialisation: Initialisation,
    /// The seed of the initial weights, the objective's randomness and the probes.
    pub seed: u64,
    /// Which trial of a tuning it is, from 0; none for a cell of a table. A trial has no test scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<u64>,
}

impl Identity {
    /// What it is called on command lines: `shear_flow/jepa-random/seed0`. It is known before the data is, on which the key depends, and
    /// unique in a run.
    pub fn label(&self) -> String {
        let variant = self.initialisation.variant().map(|variant| format!("-{variant}")).unwrap_or_default();
        format!("{}/{}{variant}/seed{}", self.system, self.method, self.seed)
    }

    /// Its name in messages: `jepa (random) on shear_flow, seed 0`, or `jepa, trial 3, on shear_flow, seed 0`.
    pub fn title(&self) -> String {
        title(&self.method, self.initialisation, self.trial, &self.system, self.seed)
    }
}

/// The name of a cell in messages.
pub(crate) fn title(
    method: &str,
    initialisation: Initialisation,
    trial: Option<u64>,
    system: &str,
    seed: u64,
) -> String {
    let variant = initialisation.variant().map(|variant| format!(" ({variant})")).unwrap_or_default();
    let trial = trial.map(|trial| format!(", trial {trial},")).unwrap_or_default();
    format!("{method}{variant}{trial} on {system}, seed {seed}")
}

/// The identity of a suite: a table refuses to mix suites that differ in any of these.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct SuiteFacts {
    /// The suite's name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Which trajectories were drawn from its distributions: 0 for those of published results.
    pub draw: u64,
    /// The first 16 digits of the BLAKE3 hash of the suite's settings for the cell's system, budgets and probes, and of the versions
    /// of the protocol and of the noise. It detects a suite that was edited without a new version, and programs that score it
    /// differently.
    pub checksum: String,
}

impl SuiteFacts {
    /// The facts of `suite` for cells on `system`.
    pub fn of(suite: &Suite, system: &str) -> Self {
        let text = serde_json::json!([suite.deciding(&[system]), PROTOCOL, clip_noise::VERSION]).to_string();
        let checksum = blake3::hash(text.as_bytes()).to_hex()[..16].to_owned();
        Self { name: suite.name.clone(), version: suite.version, draw: suite.draw, checksum }
    }
}

impl fmt::Display for SuiteFacts {
    /// `tiny v5`, or `tiny v5, draw 7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.name, self.version)?;
        if self.draw == 0 { Ok(()) } else { write!(f, ", draw {}", self.draw) }
    }
}

/// The state in which an encoder is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Initialisation {
    /// After pretraining on the system alone.
    Pretrained,
    /// After one pretraining on all systems of the suite, shared by the cells of those systems.
    Joint,
    /// At its random initial weights: what the architecture alone is worth.
    Random,
    /// Trained elsewhere, outside the suite's budget: the run has its embeddings alone. Such a row is neither ranked nor compared.
    Elsewhere,
    /// A floor: there is no encoder to initialise.
    None,
}

impl Initialisation {
    /// Whether the encoder is pretrained.
    pub fn is_pretrained(self) -> bool {
        matches!(self, Self::Pretrained | Self::Joint)
    }

    /// The state to show beside a method's name, if it is not the default one.
    pub(crate) fn variant(self) -> Option<Self> {
        matches!(self, Self::Joint | Self::Random | Self::Elsewhere).then_some(self)
    }
}

impl fmt::Display for Initialisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pretrained => "pretrained",
            Self::Joint => "joint",
            Self::Random => "random",
            Self::Elsewhere => "elsewhere",
            Self::None => "none",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Suites that are frozen, by version, system and checksum. `small` is not: its size is to be measured on a GPU.
    const FROZEN: [(&str, u32, &str, &str); 7] = [
        ("first", 1, "shear_flow", "578eefb692ffa439"),
        ("tiny", 5, "active_matter", "1f7116747d19240d"),
        ("tiny", 5, "shear_flow", "439bc3ad59b3c3cf"),
        ("tiny", 5, "rayleigh_benard", "007a7e2c0f77aee1"),
        ("paper", 4, "active_matter", "9ee7c6010e421a76"),
        ("paper", 4, "shear_flow", "8e3b72afa915d786"),
        ("paper", 4, "rayleigh_benard", "88f7249052b19c96"),
    ];

    #[test]
    fn frozen_suites_score_what_they_scored() {
        let facts = |&(name, _, system, _): &(&'static str, _, &'static str, _)| {
            let SuiteFacts { version, checksum, .. } = SuiteFacts::of(&Suite::load(name).expect("a suite"), system);
            (name, version, system, checksum)
        };
        let found = FROZEN.each_ref().map(facts);
        let frozen = FROZEN.map(|(name, version, system, checksum)| (name, version, system, checksum.to_owned()));
        assert_eq!(
            found, frozen,
            "results do not compare with those of these versions; raise the version of a suite whose scores change, and publish anew"
        );
    }
}
