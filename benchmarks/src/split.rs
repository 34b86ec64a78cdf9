//! The three splits of a data set, by trajectory.

use std::fmt;
use std::ops::Index;

use serde::{Deserialize, Serialize};

/// One of the three splits. A trajectory belongs to exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Pretraining, and fitting of probes.
    Train,
    /// Choices within a probe, such as a penalty.
    Valid,
    /// Scores.
    Test,
}

impl Split {
    /// All splits, in the order in which they are stored.
    pub const ALL: [Self; 3] = [Self::Train, Self::Valid, Self::Test];

    /// The name The Well's folders carry: `train`, `valid` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One value for each split, indexed by [`Split`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerSplit<T> {
    /// For [`Split::Train`].
    pub train: T,
    /// For [`Split::Valid`].
    pub valid: T,
    /// For [`Split::Test`].
    pub test: T,
}

impl<T> Index<Split> for PerSplit<T> {
    type Output = T;

    fn index(&self, split: Split) -> &T {
        match split {
            Split::Train => &self.train,
            Split::Valid => &self.valid,
            Split::Test => &self.test,
        }
    }
}
