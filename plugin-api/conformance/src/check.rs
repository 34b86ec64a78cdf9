//! A check, and how it ends.

use serde::{Deserialize, Serialize};

use crate::{
    setting::Setting,
    subject::{Failure, Subject},
};

/// A check: what it tries, why that matters, and how to mend what it finds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// What holds if it passes.
    pub what: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// What to do if it fails, in a method in Rust.
    pub mend: &'static str,
    /// What to do if it fails, in a method in another process; none if it is the same.
    #[serde(skip)]
    pub(crate) mend_program: Option<&'static str>,
    /// Whether it takes a second at most.
    pub quick: bool,
    #[serde(skip)]
    pub(crate) run: fn(&dyn Subject, &Setting) -> Result<Outcome, Failure>,
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "detail", rename_all = "lowercase")]
pub enum Outcome {
    /// It holds; a detail that is worth reading, or nothing.
    Passed(String),
    /// It does not hold; what was found.
    Failed(String),
    /// It was not tried, and why.
    Skipped(String),
}

impl Outcome {
    /// Passed, with nothing to add.
    pub(crate) fn passed() -> Result<Self, Failure> {
        Ok(Self::Passed(String::new()))
    }

    /// Failed.
    pub(crate) fn failed(what: impl Into<String>) -> Result<Self, Failure> {
        Ok(Self::Failed(what.into()))
    }

    /// Not tried.
    pub(crate) fn skipped(why: impl Into<String>) -> Result<Self, Failure> {
        Ok(Self::Skipped(why.into()))
    }
}

impl Check {
    /// What to do if it fails, in a method in another process.
    pub fn mend_program(&self) -> &'static str {
        self.mend_program.unwrap_or(self.mend)
    }

    /// Tries it on a method.
    pub fn run(&self, subject: &dyn Subject, setting: &Setting) -> Outcome {
        (self.run)(subject, setting).unwrap_or_else(|failure| Outcome::Failed(failure.message))
    }
}
