//! What a record may hold: names that lead nowhere, numbers that can be added and squared, lists as long as those beside them. A record
//! may come from strangers, and tables, figures and paths are made from it.

use physrep_benchmarks::name::{PLAIN_NAME, is_plain_name};

use crate::{
    cost::PhaseCost,
    identity::Identity,
    record::{CellRecord, ScoredTrajectories},
    score::{Metrics, ProbeScore},
};

/// The largest error: that of predictions and labels in single precision.
const LARGEST: f64 = f32::MAX as f64;

/// The longest time, in seconds: some thousand years.
const LONGEST: f64 = 1e11;

/// Checks that what is `called` so has a name that can be that of a folder, a row and a column.
pub(crate) fn name(called: &str, name: &str) -> Result<(), String> {
    if is_plain_name(name) { Ok(()) } else { Err(format!("{called} is {name:?}; expected {PLAIN_NAME}")) }
}

impl Identity {
    /// Checks its names.
    ///
    /// # Errors
    ///
    /// Which name was expected to be otherwise.
    pub fn check(&self) -> Result<(), String> {
        name("`key`", &self.key)?;
        name("`suite.name`", &self.suite.name)?;
        name("`suite.checksum`", &self.suite.checksum)?;
        name("`system`", &self.system)?;
        name("`method`", &self.method)
    }
}

impl CellRecord {
    /// Checks names, numbers and lengths.
    ///
    /// # Errors
    ///
    /// Which value was expected to be otherwise.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.identity.check()?;
        for parameter in &self.parameters {
            name("the name of a parameter", &parameter.name)?;
            if !(parameter.mean.abs() <= LARGEST && parameter.std > 0.0 && parameter.std <= LARGEST) {
                return Err(format!(
                    "parameter {}: `mean` and `std` are {} and {}; expected finite numbers, and a positive `std`",
                    parameter.name, parameter.mean, parameter.std
                ));
            }
        }
        for (split, trajectories) in &self.splits {
            trajectories.check(self.parameters.len()).map_err(|reason| format!("`splits`, {split}: {reason}"))?;
        }
        for subset in &self.label_subsets {
            fraction(subset.label_fraction)?;
        }
        for score in &self.scores {
            name("`probe`", &score.probe)?;
            self.check_score(score)
                .map_err(|reason| format!("score of {} on {}: {reason}", score.probe, score.split))?;
        }
        for selection in &self.selections {
            name("`probe` of a selection", &selection.probe)?;
            fraction(selection.label_fraction)?;
        }
        let cost = &self.cost;
        [cost.pretrain, cost.encode, cost.probe, cost.end_to_end].into_iter().try_for_each(PhaseCost::check)
    }

    fn check_score(&self, score: &ProbeScore) -> Result<(), String> {
        fraction(score.label_fraction)?;
        score.mean.check()?;
        if let Some(fit) = score.fits.iter().find(|fit| !is_error(**fit)) {
            return Err(format!("one of `fits` is {fit}; expected a number from 0 to {LARGEST:e}"));
        }
        let names = |all: &mut dyn Iterator<Item = &String>| all.cloned().collect::<Vec<_>>().join(", ");
        let (expected, found) = (
            names(&mut self.parameters.iter().map(|parameter| &parameter.name)),
            names(&mut score.parameters.iter().map(|parameter| &parameter.name)),
        );
        if expected != found {
            return Err(format!("its parameters are {found:?}; expected those of the record, {expected}"));
        }
        let scored = self.splits.get(&score.split).ok_or("the split is not in `splits`")?;
        let trajectories = match score.regime {
            None => scored.index.len(),
            Some(regime) => scored.regimes.iter().filter(|other| **other == regime).count(),
        };
        for parameter in &score.parameters {
            parameter.metrics.check()?;
            let lengths = [parameter.predicted.len(), parameter.squared_error.len()];
            if lengths != [trajectories; 2] {
                return Err(format!(
                    "{lengths:?} predictions and errors of {}; expected as many as trajectories, {trajectories}",
                    parameter.name
                ));
            }
            let finite = parameter.predicted.iter().all(|value| value.is_finite());
            if !finite || !parameter.squared_error.iter().all(|&error| is_error(error.into())) {
                return Err(format!(
                    "a prediction or an error of {} is not finite, or an error is negative",
                    parameter.name
                ));
            }
        }
        Ok(())
    }
}

impl ScoredTrajectories {
    fn check(&self, parameters: usize) -> Result<(), String> {
        let n = self.index.len();
        if self.windows.len() != n || self.labels.len() != parameters || self.labels.iter().any(|all| all.len() != n) {
            return Err(format!("expected `windows`, and `labels` of {parameters} parameters, of {n} trajectories"));
        }
        if !self.regimes.is_empty() && self.regimes.len() != n {
            return Err(format!("{} regimes of {n} trajectories", self.regimes.len()));
        }
        match self.labels.iter().flatten().all(|label| label.is_finite()) {
            true => Ok(()),
            false => Err("a label is not finite".into()),
        }
    }
}

impl Metrics {
    fn check(&self) -> Result<(), String> {
        for (called, error) in [("mse", self.mse), ("trajectory_mse", self.trajectory_mse)] {
            if !is_error(error) {
                return Err(format!("`{called}` is {error}; expected a number from 0 to {LARGEST:e}"));
            }
        }
        for (called, r2) in [("r2", self.r2), ("trajectory_r2", self.trajectory_r2)] {
            if r2.is_some_and(|r2| !(r2 <= 1.0 && r2.is_finite())) {
                return Err(format!("`{called}` is {}; expected a number of at most 1", r2.unwrap_or_default()));
            }
        }
        Ok(())
    }
}

impl PhaseCost {
    fn check(self) -> Result<(), String> {
        match (0.0..=LONGEST).contains(&self.seconds) {
            true => Ok(()),
            false => Err(format!("`cost`: {} seconds; expected a number from 0 to {LONGEST:e}", self.seconds)),
        }
    }
}

fn is_error(error: f64) -> bool {
    (0.0..=LARGEST).contains(&error)
}

fn fraction(fraction: f64) -> Result<(), String> {
    match fraction > 0.0 && fraction <= 1.0 {
        true => Ok(()),
        false => Err(format!("`label_fraction` is {fraction}; expected a number above 0 and at most 1")),
    }
}
