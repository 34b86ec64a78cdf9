//! The splits of a data set, by trajectory.

use std::fmt;
use std::ops::Index;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of the splits. A trajectory belongs to exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Pretraining, and fitting of probes.
    Train,
    /// Choices within a probe, such as a penalty.
    Valid,
    /// Scores, on parameters that training has seen in other trajectories.
    Test,
    /// Scores on parameters that no other split has: values within the range of training, and beyond its ends. Only
    /// generated suites have it.
    HeldOut,
}

impl Split {
    /// All splits, in the order in which they are stored.
    pub const ALL: [Self; 4] = [Self::Train, Self::Valid, Self::Test, Self::HeldOut];

    /// The splits of The Well's published data.
    pub const PUBLISHED: [Self; 3] = [Self::Train, Self::Valid, Self::Test];

    /// The name that folders carry: `train`, `valid` and `test`, as in The Well, or `held_out`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
            Self::HeldOut => "held_out",
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
    /// For [`Split::HeldOut`]; where it is left out, `T`'s default.
    #[serde(default)]
    pub held_out: T,
}

impl<T> Index<Split> for PerSplit<T> {
    type Output = T;

    fn index(&self, split: Split) -> &T {
        match split {
            Split::Train => &self.train,
            Split::Valid => &self.valid,
            Split::Test => &self.test,
            Split::HeldOut => &self.held_out,
        }
    }
}
