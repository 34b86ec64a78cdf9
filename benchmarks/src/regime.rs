//! The regimes of held-out trajectories.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the parameters of a held-out trajectory lie relative to those of train. No other split has such parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Regime {
    /// In the gap that train leaves in the middle of the ranges.
    Interpolation,
    /// A little beyond an end of a range.
    NearExtrapolation,
    /// Further beyond it.
    FarExtrapolation,
}

impl Regime {
    /// All regimes, in the order of tables.
    pub const ALL: [Self; 3] = [Self::Interpolation, Self::NearExtrapolation, Self::FarExtrapolation];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interpolation => "interpolation",
            Self::NearExtrapolation => "near_extrapolation",
            Self::FarExtrapolation => "far_extrapolation",
        }
    }
}

impl fmt::Display for Regime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
