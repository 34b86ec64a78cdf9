//! The files of a cell and of its pretraining.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result},
    files, owner,
    record::{CellFailure, CellRecord},
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

    /// The description of the cell, a [`Cell`](crate::Cell).
    pub fn spec(&self) -> PathBuf {
        self.0.join("cell.json")
    }

    /// The record; its presence means that the cell is done.
    pub fn record(&self) -> PathBuf {
        self.0.join("result.json")
    }

    /// The record in compressed form, as published runs have it.
    pub fn compressed_record(&self) -> PathBuf {
        self.0.join("result.json.gz")
    }

    /// The record in the form that it is there, if the cell is done.
    pub fn found_record(&self) -> Option<PathBuf> {
        [self.record(), self.compressed_record()].into_iter().find(|path| path.is_file())
    }

    /// The reason why the last attempt failed.
    pub fn failure(&self) -> PathBuf {
        self.0.join("failure.json")
    }

    /// Standard error of the cell's process, including its plugin.
    pub fn log(&self) -> PathBuf {
        self.0.join("log.txt")
    }

    /// The record of the cached embeddings; its presence means that they are complete.
    pub fn embeddings_record(&self) -> PathBuf {
        self.0.join("embeddings.json")
    }

    /// The cached embeddings of all splits.
    pub fn embeddings(&self) -> PathBuf {
        self.0.join("embeddings.safetensors")
    }

    /// The folder that the plugin may write to while this process runs the cell.
    pub fn scratch(&self) -> PathBuf {
        self.all_scratch().join(owner::mark())
    }

    /// The folders of all processes that run the cell.
    fn all_scratch(&self) -> PathBuf {
        self.0.join("scratch")
    }

    /// Removes the scratch folder of this process, and those that dead ones have left.
    pub fn remove_scratch(&self) {
        for entry in fs::read_dir(self.all_scratch()).into_iter().flatten().flatten() {
            let path = entry.path();
            if path == self.scratch() || owner::has_ended(&entry.file_name().to_string_lossy(), &path) {
                // What stays does no harm.
                let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            }
        }
        // It is not empty while others work.
        let _ = fs::remove_dir(self.all_scratch());
    }

    /// The cell's outcome so far.
    ///
    /// # Errors
    ///
    /// If its record or its failure cannot be read.
    pub fn outcome(&self) -> Result<CellOutcome> {
        if let Some(record) = self.found_record() {
            return Ok(CellOutcome::Done(Box::new(CellRecord::read(&record)?)));
        }
        if self.failure().is_file() {
            let failure = CellFailure::read(&self.failure())?;
            return Ok(CellOutcome::Failed(failure.reason));
        }
        Ok(CellOutcome::Missing)
    }

    /// The cell's outcome so far; a record or a failure that is damaged is set aside, and the cell is to be run again. Then the name that
    /// the damaged file has now is returned, too.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or not be renamed.
    pub fn outcome_or_set_aside(&self) -> Result<(CellOutcome, Option<PathBuf>)> {
        match self.outcome() {
            Err(Error::Damaged { path, .. } | Error::File { path, .. }) => {
                Ok((CellOutcome::Missing, Some(files::set_aside(&path)?)))
            }
            outcome => Ok((outcome?, None)),
        }
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

    /// The training curves, as JSON lines.
    pub fn curves(&self) -> PathBuf {
        self.0.join("curves.jsonl")
    }

    /// The complete state of the method at the end.
    pub fn state(&self) -> PathBuf {
        self.0.join("state.safetensors")
    }

    /// The record of the pretraining; its presence means that the pretraining is done.
    pub fn record(&self) -> PathBuf {
        self.0.join("pretraining.json")
    }
}

/// The outcome of a cell.
#[derive(Clone, Debug)]
pub enum CellOutcome {
    /// It has its scores.
    Done(Box<CellRecord>),
    /// Its last attempt failed, for this reason.
    Failed(String),
    /// It was not run, or was stopped.
    Missing,
}

impl CellOutcome {
    /// The record, if the cell is done.
    pub fn record(&self) -> Option<&CellRecord> {
        match self {
            Self::Done(record) => Some(record),
            Self::Failed(_) | Self::Missing => None,
        }
    }
}
