//! The record of a finished pretraining: what its state was trained on, and the cost.

use std::path::Path;

use physrep_records::{PhaseCost, PretrainingFolder, files};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{error::Result, plugin::Geometry};

/// The record of a pretraining, beside its state: everything that is needed to create a session for that state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PretrainingRecord {
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
        Ok(if path.is_file() { Some(files::read_json(&path)?) } else { None })
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
