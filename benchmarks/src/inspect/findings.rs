//! What inspections find.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::error::printable;

/// The most findings of one file that are listed; the others are only counted.
pub const LISTED: usize = 20;

/// How severe a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The data is invalid, or a reader of The Well's files fails on it.
    Error,
    /// The format requires it but readers do not; or it is worth a look.
    Warning,
}

/// One defect of a file or a data set.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Finding {
    /// How severe it is.
    pub severity: Severity,
    /// Where in the file: data set, attribute, index; may be empty.
    pub place: String,
    /// What was expected and what was found, in one line.
    pub message: String,
}

impl Finding {
    /// An error.
    pub fn error(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, place: printable(place.into()), message: printable(message.into()) }
    }

    /// A warning.
    pub fn warning(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, message) }
    }

    pub(super) fn of(problem: &Error) -> Self {
        match problem {
            Error::Format { place, expected, found, .. } => {
                Self::error(place, format!("expected {expected}, found {found}"))
            }
            Error::Damaged { place, advice, .. } => {
                Self::error(place, format!("damaged or changed: its checksum does not fit; {advice}"))
            }
            Error::Hdf5 { action, source, .. } => Self::error("", format!("cannot {action}: {source}")),
            Error::Io { action, source, .. } => Self::error("", format!("cannot {action} it: {source}")),
            Error::Folder { reason, .. } | Error::Request { reason, .. } => Self::error("", reason),
            other => Self::error("", other.to_string()),
        }
    }
}

/// `place: message`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.message)
    }
}

/// What was found in one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// The first of them, 20 at most.
    pub listed: Vec<Finding>,
    /// How many errors there are, listed or not.
    pub errors: usize,
    /// How many warnings there are, listed or not.
    pub warnings: usize,
}

impl Findings {
    /// Adds a finding, unless it is listed already.
    pub fn add(&mut self, finding: Finding) {
        if self.listed.contains(&finding) {
            return;
        }
        match finding.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
        }
        if self.listed.len() < LISTED {
            self.listed.push(finding);
        }
    }

    /// How many are not listed.
    pub fn unlisted(&self) -> usize {
        self.errors + self.warnings - self.listed.len()
    }

    pub(crate) fn problem(&mut self, problem: &Error) {
        self.add(Finding::of(problem));
    }

    /// The value; an error becomes a finding and `None`.
    pub(crate) fn keep<T>(&mut self, result: crate::Result<T>) -> Option<T> {
        result.map_err(|problem| self.problem(&problem)).ok()
    }
}
