//! The record of a finished pretraining: what its state was trained on, and the cost.

use std::path::Path;

use physrep_records::{Digest, Error as RecordsError, PhaseCost, PretrainingFolder, files, sealed};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::{Error, Result},
    plugin::Geometry,
};

/// The record of a pretraining, beside its state: everything that is needed to create a session for that state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PretrainingRecord {
    /// The digest of this record.
    pub digest: Digest,
    /// BLAKE3 of the state.
    pub state: String,
    /// BLAKE3 of the training curves.
    pub curves: String,
    /// The method.
    pub method: String,
    /// The keys of its configuration that differ from the defaults.
    pub config: Value,
    /// The systems, in the order of their indices.
    pub systems: Vec<PretrainedSystem>,
    /// The cost over all attempts and systems.
    pub cost: PhaseCost,
}

/// A system that a method was pretrained on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PretrainedSystem {
    /// Its name.
    pub system: String,
    /// The geometry of its clips.
    pub geometry: Geometry,
}

impl PretrainingRecord {
    /// The record in a folder, if there is one.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn read(folder: &PretrainingFolder) -> Result<Option<Self>> {
        let path = folder.record();
        Ok(if path.is_file() { Some(sealed::read(&path)?) } else { None })
    }

    /// The record in a folder and the bytes of its state, if both and the curves are as they were written. What is damaged is set aside,
    /// with a line in the log.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub fn read_intact(folder: &PretrainingFolder) -> Result<Option<(Self, Vec<u8>)>> {
        let damaged = |path: &Path| -> Result<Option<(Self, Vec<u8>)>> {
            // Without its record, a pretraining is not done.
            let aside = files::set_aside(&folder.record())?;
            log::warn!(
                "{} is damaged; the pretraining begins again, and its record is now {}",
                path.display(),
                aside.display()
            );
            Ok(None)
        };
        let record = match Self::read(folder) {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(None),
            Err(Error::Records(RecordsError::Damaged { path, .. })) => return damaged(&path),
            Err(error) => return Err(error),
        };
        if !folder.curves().is_file() || files::checksum(&folder.curves())? != record.curves {
            return damaged(&folder.curves());
        }
        let state = match folder.state().is_file() {
            true => files::read(&folder.state())?,
            false => Vec::new(),
        };
        match blake3::hash(&state).to_hex().as_str() == record.state {
            true => Ok(Some((record, state))),
            false => damaged(&folder.state()),
        }
    }

    /// The record beside the state at `path`, if there is one.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn beside(path: &Path) -> Result<Option<Self>> {
        Self::read(&PretrainingFolder::at(path.parent().unwrap_or(Path::new("")).to_owned()))
    }
}
