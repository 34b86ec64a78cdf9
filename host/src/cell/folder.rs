//! The folders of a cell: its own, which says how the cell stands, and that of its pretraining.

use std::path::{Path, PathBuf};

use crate::{
    Result, files,
    result::{CellResult, Failure},
};

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

    /// The [`Cell`](super::Cell).
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

    /// What says that the embeddings are complete, and what they are of.
    pub fn embeddings_record(&self) -> PathBuf {
        self.0.join("embeddings.json")
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
            return Ok(Outcome::Done(Box::new(CellResult::read(&self.result())?)));
        }
        if self.failure().is_file() {
            let failure: Failure = files::read_json(&self.failure())?;
            return Ok(Outcome::Failed(failure.reason));
        }
        Ok(Outcome::Missing)
    }
}

/// The files of a pretraining.
#[derive(Clone, Debug)]
pub struct PretrainingFolder(PathBuf);

impl PretrainingFolder {
    /// The folder at `path`.
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The state of an unfinished pretraining.
    pub fn checkpoint(&self) -> PathBuf {
        self.0.join("checkpoint.bin")
    }

    /// The curves.
    pub fn curves(&self) -> PathBuf {
        self.0.join("curves.jsonl")
    }

    /// The complete state at the end.
    pub fn state(&self) -> PathBuf {
        self.0.join("state.safetensors")
    }

    /// What was pretrained; its presence means that the pretraining is done.
    pub fn record(&self) -> PathBuf {
        self.0.join("pretraining.json")
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
