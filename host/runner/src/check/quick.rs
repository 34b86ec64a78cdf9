//! The quick checks of a run, before anything of it is computed.

use std::path::PathBuf;

use physrep_conformance::Check;
use physrep_records::{EncoderSpec, RunManifest};
use serde_json::Value;

use super::{CheckSettings, CheckedMethod};
use crate::{error::Result, plugin::MethodLibrary};

/// The quick checks of a run: they are for methods with no finished cell in it.
#[derive(Clone, Debug)]
pub struct QuickChecks {
    /// The folder of the run.
    pub run: PathBuf,
    /// How they are run.
    pub settings: CheckSettings,
}

impl QuickChecks {
    /// The checks that fail for the method of `library` with these keys of its configuration, and what was found. None if the run has a
    /// finished cell of just this method and configuration.
    pub(crate) fn failing(&self, library: &MethodLibrary, config: &Value) -> Result<Vec<(&'static Check, String)>> {
        if self.has_finished(library, config) {
            return Ok(Vec::new());
        }
        CheckedMethod::new(library.clone(), config.clone(), Vec::new(), self.settings).failing_quick_checks()
    }

    fn has_finished(&self, library: &MethodLibrary, config: &Value) -> bool {
        let Ok(manifest) = RunManifest::read(&self.run) else { return false };
        let is_of_method = |encoder: &EncoderSpec| match encoder {
            EncoderSpec::Plugin { checksum, config: of_cell, .. } => {
                checksum == library.checksum() && of_cell == config
            }
            _ => false,
        };
        let mut finished = manifest.cells.iter().filter(|entry| entry.folder(&self.run).found_record().is_some());
        finished.any(|entry| entry.cell(&self.run).is_some_and(|cell| is_of_method(&cell.encoder)))
    }
}
