//! What is tuned: a method of a suite, its ranges, and how often they are drawn from.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use physrep_benchmarks::suite::Suite;
use physrep_records::Device;
use serde_json::Value;

use super::ranges::Ranges;
use crate::{
    error::{Error, Result},
    plugin::MethodLibrary,
    plugin_sources::{PluginSource, find_source},
    selection::SelectionEvent,
};

/// The trials of a tuning, the same for every method.
pub const TRIALS: u64 = 16;

/// The file of a method's ranges, in its crate.
const RANGES: &str = "tuning.toml";

/// What to tune, and how.
#[derive(Clone, Debug)]
pub struct TuningSettings {
    /// The method, or a variant of the suite.
    pub method: String,
    /// Plugin crates, folders of methods or of crates, or libraries.
    pub plugins: Vec<PathBuf>,
    /// The file of the ranges; none for `tuning.toml` in the method's crate.
    pub ranges: Option<PathBuf>,
    /// The number of trials; [`TRIALS`] is the budget.
    pub trials: u64,
    /// The seed of the draws.
    pub seed: u64,
}

/// A method of a suite with its ranges.
#[derive(Debug)]
pub struct Tuning {
    pub(super) suite: Suite,
    pub(super) method: String,
    pub(super) plugin: MethodLibrary,
    pub(super) ranges: Ranges,
    pub(super) trials: u64,
    pub(super) seed: u64,
}

/// The most trials: each is a training.
const MOST_TRIALS: u64 = 10_000;

impl Tuning {
    /// Finds the method, builds its crate for `device` if it is stale, and reads its ranges.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if there is no such method, it has no file of ranges, or a range is not one of its configuration.
    pub fn of(
        suite: &Suite,
        settings: &TuningSettings,
        device: Device,
        listener: &dyn Fn(SelectionEvent<'_>),
    ) -> Result<Self> {
        if settings.trials == 0 {
            return Err(Error::Usage(format!("--trials 0: expected 1 or more; {TRIALS} is the budget")));
        }
        if settings.trials > MOST_TRIALS {
            return Err(Error::Usage(format!("--trials {}: expected at most {MOST_TRIALS}", settings.trials)));
        }
        let name = suite.variants.get(&settings.method).unwrap_or(&settings.method);
        let building = |folder: &Path| listener(SelectionEvent::Building(folder));
        let (plugin, source) = find_source(name, &settings.plugins, device, &building)?;
        let file = match (&settings.ranges, source) {
            (Some(file), _) => file.clone(),
            (None, PluginSource::Crate(folder) | PluginSource::Folder { folder, .. }) => folder.join(RANGES),
            (None, PluginSource::Library(library)) => library.with_file_name(RANGES),
        };
        if !file.is_file() {
            return Err(Error::Usage(format!(
                "{}: no ranges to draw the trials of {name} from; write this file, a line such as training.lr = {{ log = [1e-4, 1e-2] }} \
                 for each key to tune, or name another one with --ranges",
                file.display()
            )));
        }
        let ranges = Ranges::read(&file, name, &plugin.description()["default_config"])?;
        Ok(Self {
            suite: suite.clone(),
            method: settings.method.clone(),
            plugin,
            ranges,
            trials: settings.trials,
            seed: settings.seed,
        })
    }

    /// The values of every trial, by key. The same settings and ranges give the same values everywhere.
    pub fn drawn(&self) -> Vec<BTreeMap<String, Value>> {
        (0..self.trials).map(|trial| self.ranges.draw(self.seed, &self.method, trial)).collect()
    }
}
