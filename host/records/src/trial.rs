//! What a trial of a tuning leaves out of its cell: everything that would look at another split than train and valid, and what its
//! objective does not need.

use physrep_benchmarks::{Split, suite::FinetuneBudget};

use crate::cell::Cell;

impl Cell {
    /// The splits that are encoded. Probes are fitted on train, and scored on all others.
    pub fn splits(&self) -> &'static [Split] {
        if self.trial.is_some() { &[Split::Train, Split::Valid] } else { &Split::ALL }
    }

    /// The fractions of the labels that probes are fitted on.
    pub fn label_fractions(&self) -> &[f64] {
        if self.trial.is_some() { &[1.0] } else { &self.suite.probe.label_fractions }
    }

    /// The budget of training the encoder end to end; none if it is not.
    pub fn finetune(&self) -> Option<&FinetuneBudget> {
        self.suite.finetune.as_ref().filter(|budget| self.trial.is_none() && budget.includes(self.method()))
    }
}
