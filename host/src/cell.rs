//! A cell: one method on one system with one seed, addressed by everything that decides its scores.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use physrep_benchmarks::suite::Suite;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Result,
    device::Device,
    files,
    result::{CellResult, SCHEMA},
};

/// Counts changes of this host that change scores, such as another probe.
pub const PROTOCOL: u32 = 1;

/// What stands between the data and the probes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Encoder {
    /// A plugin's method.
    Plugin {
        /// The method's name.
        name: String,
        /// The library.
        library: PathBuf,
        /// BLAKE3 of the library.
        checksum: String,
        /// The keys of its configuration that differ from the defaults.
        config: Value,
        /// Whether it was pretrained.
        initialisation: Initialisation,
    },
    /// Hand-made statistics of the fields, probed by ridge regression: the floor that a method has to beat.
    Features,
    /// No encoder: the mean of the training labels.
    Mean,
}

/// The state in which an encoder is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Initialisation {
    /// After pretraining.
    Pretrained,
    /// As it was drawn: what the architecture alone is worth.
    Random,
    /// There is nothing to initialise.
    None,
}

impl fmt::Display for Initialisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pretrained => "pretrained",
            Self::Random => "random",
            Self::None => "none",
        })
    }
}

/// Everything that decides a cell's scores. A worker needs nothing else.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cell {
    /// The suite, whole.
    pub suite: Suite,
    /// The physical system.
    pub system: String,
    /// The packed data.
    pub data: PathBuf,
    /// Its checksum.
    pub data_checksum: String,
    /// What is probed.
    pub encoder: Encoder,
    /// The seed of the initial weights, the objective's randomness and the probes.
    pub seed: u64,
    /// Where the method computes. Not part of the address: a plugin's build for another kind of device has another
    /// checksum, which is.
    #[serde(default)]
    pub device: Device,
}

impl Cell {
    /// The method's name in tables.
    pub fn method(&self) -> &str {
        match &self.encoder {
            Encoder::Plugin { name, .. } => name,
            Encoder::Features => "features",
            Encoder::Mean => "mean",
        }
    }

    /// The state in which the encoder is probed.
    pub fn initialisation(&self) -> Initialisation {
        match &self.encoder {
            Encoder::Plugin { initialisation, .. } => *initialisation,
            Encoder::Features | Encoder::Mean => Initialisation::None,
        }
    }

    /// The hash of everything that decides the scores: not of where files lie.
    pub fn key(&self) -> String {
        let mut address = serde_json::json!({
            "protocol": PROTOCOL,
            "schema": SCHEMA,
            "suite": self.suite.deciding(&self.system),
            "system": self.system,
            "data": self.data_checksum,
            "encoder": self.encoder,
            "seed": self.seed,
        });
        if let Some(encoder) = address["encoder"].as_object_mut() {
            encoder.remove("library");
        }
        blake3::hash(address.to_string().as_bytes()).to_hex()[..16].to_owned()
    }

    /// A name for people: `jepa (random) on shear_flow, seed 0`.
    pub fn title(&self) -> String {
        let method = match self.initialisation() {
            Initialisation::Random => format!("{} (random)", self.method()),
            _ => self.method().to_owned(),
        };
        format!("{method} on {}, seed {}", self.system, self.seed)
    }

    /// The cell's folder under the run's.
    pub fn folder(&self, out: &Path) -> CellFolder {
        let method = match self.initialisation() {
            Initialisation::Random => format!("{}-random", self.method()),
            _ => self.method().to_owned(),
        };
        CellFolder(out.join("cells").join(&self.system).join(method).join(format!("seed{}-{}", self.seed, self.key())))
    }
}

/// The files of a cell.
#[derive(Clone, Debug)]
pub struct CellFolder(PathBuf);

impl CellFolder {
    /// The folder at `path`.
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The [`Cell`].
    pub fn spec(&self) -> PathBuf {
        self.0.join("cell.json")
    }

    /// The result; its presence means that the cell is done.
    pub fn result(&self) -> PathBuf {
        self.0.join("result.json")
    }

    /// Why the last attempt failed.
    pub fn failure(&self) -> PathBuf {
        self.0.join("failure.json")
    }

    /// What the worker and its plugin wrote to standard error.
    pub fn log(&self) -> PathBuf {
        self.0.join("log.txt")
    }

    /// The state of an unfinished pretraining.
    pub fn checkpoint(&self) -> PathBuf {
        self.0.join("checkpoint.bin")
    }

    /// The complete state after pretraining.
    pub fn state(&self) -> PathBuf {
        self.0.join("state.safetensors")
    }

    /// The curves of pretraining.
    pub fn curves(&self) -> PathBuf {
        self.0.join("curves.csv")
    }

    /// The embeddings of all splits.
    pub fn embeddings(&self) -> PathBuf {
        self.0.join("embeddings.safetensors")
    }

    /// What the plugin may write to while the cell runs.
    pub fn scratch(&self) -> PathBuf {
        self.0.join("scratch")
    }

    /// How the cell stands.
    pub fn outcome(&self) -> Result<Outcome> {
        if self.result().is_file() {
            return Ok(Outcome::Done(Box::new(files::read_json(&self.result())?)));
        }
        if self.failure().is_file() {
            let failure: Failure = files::read_json(&self.failure())?;
            return Ok(Outcome::Failed(failure.reason));
        }
        Ok(Outcome::Missing)
    }
}

/// How a cell stands.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It has its scores.
    Done(Box<CellResult>),
    /// Its last attempt failed, for this reason.
    Failed(String),
    /// It has not been tried, or not to its end.
    Missing,
}

impl Outcome {
    /// The result, if the cell is done.
    pub fn result(&self) -> Option<&CellResult> {
        match self {
            Self::Done(result) => Some(result),
            Self::Failed(_) | Self::Missing => None,
        }
    }
}

/// Why a cell failed, as it lies beside the cell.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// One sentence.
    pub reason: String,
}
