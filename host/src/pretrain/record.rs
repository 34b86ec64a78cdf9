//! The record of a finished pretraining: what its state was trained on, and what that cost.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Result, cell::PretrainingFolder, files, plugin::Geometry, result::PhaseCost};

/// What was pretrained. It lies beside the state and holds what it takes to make a session for that state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The method.
    pub method: String,
    /// The keys of its configuration that differ from the defaults.
    pub config: Value,
    /// The systems, in the order of their numbers.
    pub systems: Vec<Pretrained>,
    /// What it cost, over all attempts and systems.
    pub cost: PhaseCost,
}

/// A system that a method was pretrained on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pretrained {
    /// Its name.
    pub system: String,
    /// The geometry of its clips.
    pub geometry: Geometry,
}

impl Record {
    /// The record in a folder, if there is one.
    pub fn read(folder: &PretrainingFolder) -> Result<Option<Self>> {
        let path = folder.record();
        if path.is_file() { files::read_json(&path).map(Some) } else { Ok(None) }
    }

    /// The record of the state at `path`, if one lies beside it.
    pub fn beside(path: &Path) -> Result<Option<Self>> {
        Self::read(&PretrainingFolder::at(path.parent().unwrap_or(Path::new("")).to_owned()))
    }
}
