//! The cells of a tuning, and running them.

use std::{collections::BTreeMap, path::Path};

use physrep_records::{Cell, EncoderSpec, Initialisation};
use serde_json::Value;

use super::tuning::Tuning;
use crate::{
    config_overrides,
    error::{Error, Result},
    events::RunEvent,
    plan::{PlanEvent, PlanSettings, RunPlan, write_cells},
    policy::Policy,
    selection::RunSelection,
    supervisor::run_cells,
};

/// A planned tuning.
#[derive(Debug)]
pub struct TuningPlan<'a> {
    pub(super) tuning: &'a Tuning,
    pub(super) trials: Vec<Trial>,
}

/// A trial.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) drawn: BTreeMap<String, Value>,
    /// One for each system.
    pub(super) cells: Vec<Cell>,
}

impl<'a> TuningPlan<'a> {
    /// Plans the trials on `systems`, or on all of the suite if there are none: the method's pretrained cells with the suite's first seed
    /// and its configuration, in which each trial replaces the keys that it draws. Missing data are generated and packed.
    ///
    /// # Errors
    ///
    /// If a system does not exist, or data can be neither read nor generated.
    pub fn of(
        tuning: &'a Tuning,
        systems: Vec<String>,
        settings: &PlanSettings,
        listener: &(dyn Fn(PlanEvent<'_>) + Sync),
    ) -> Result<Self> {
        let selection = RunSelection {
            plugins: vec![tuning.plugin.path().to_owned()],
            methods: vec![tuning.method.clone()],
            systems,
            seeds: tuning.suite.seeds[..1].to_vec(),
            overrides: Vec::new(),
        };
        let mut cells = RunPlan::of(&tuning.suite, &selection, settings, listener)?.cells;
        cells.retain(|cell| cell.initialisation() == Initialisation::Pretrained);
        let trial = |(number, drawn): (u64, BTreeMap<String, Value>)| -> Result<Trial> {
            let cells = cells.iter().map(|cell| trial_of(cell, number, &drawn)).collect::<Result<_>>()?;
            Ok(Trial { cells, drawn })
        };
        let trials = (0..).zip(tuning.drawn()).map(trial).collect::<Result<_>>()?;
        Ok(Self { tuning, trials })
    }

    /// Runs the trials that have no scores, in the folder `folder`. One that failed is run again: with its values and its seed, it is the same
    /// trial, and the machine may have been the reason.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or written; [`Error::Interrupted`] if this process is to stop.
    pub fn run(&self, folder: &Path, policy: &Policy, listener: &(dyn Fn(RunEvent<'_>) + Sync)) -> Result<()> {
        let cells: Vec<Cell> = self.trials.iter().flat_map(|trial| &trial.cells).cloned().collect();
        write_cells(&cells, folder)?;
        run_cells(&cells, folder, policy, listener)
    }
}

/// The cell of a trial.
fn trial_of(cell: &Cell, number: u64, drawn: &BTreeMap<String, Value>) -> Result<Cell> {
    let mut cell = Cell { trial: Some(number), ..cell.clone() };
    let EncoderSpec::Plugin { config, .. } = &mut cell.encoder else {
        return Err(Error::Usage(format!("{} has no configuration to tune", cell.method())));
    };
    *config = config_overrides::with_keys(config, drawn)?;
    Ok(cell)
}
