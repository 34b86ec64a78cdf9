//! Metrics of a method, which this program checks before they are in a training curve.

use physrep_records::Curves;

/// The longest name, in bytes.
const LONGEST_NAME: usize = 64;

/// The most metrics that a method may record in a step.
const MOST: usize = 10_000;

/// A value of a training curve.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Metric {
    /// Its name.
    pub name: String,
    /// The pretraining step that it belongs to.
    pub step: u64,
    /// Its value.
    pub value: f64,
}

impl Metric {
    /// Checks the name, and that a step with `others` before has room for this one; the error is a message for the method's author.
    pub(super) fn check(&self, others: usize) -> Result<(), String> {
        let name = &self.name;
        if Curves::RESERVED.contains(&name.as_str()) {
            return Err(format!("metric `{name}`: this program records that itself; choose another name"));
        }
        if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
            let start: String = name.chars().take(LONGEST_NAME).collect();
            return Err(format!("metric {start:?}: expected a name of 1 to {LONGEST_NAME} printable characters"));
        }
        if others >= MOST {
            return Err(format!("more than {MOST} metrics in one step; record fewer"));
        }
        Ok(())
    }
}
