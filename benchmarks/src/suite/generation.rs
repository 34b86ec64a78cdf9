//! How the data of a system is generated.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::checks::{at_least_one, count, distinct, grid, is_finite};
use super::initial::Initial;
use super::regimes::Regimes;
use crate::split::{PerSplit, Split};

/// How the data of a system is generated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generation {
    /// Grid `[nx, ny]` on which the equations are solved.
    pub solve: [usize; 2],
    /// Compresses the files with gzip at this level, 1 to 9; without it they are contiguous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gzip: Option<u8>,
    /// Trajectories of each split, and of each regime of held-out. Each has parameters and an initial condition of its
    /// own.
    pub trajectories: PerSplit<usize>,
    /// The regimes of held-out trajectories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regimes: Option<Regimes>,
    /// Values of the system's constants that differ from their defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub constants: BTreeMap<String, f64>,
    /// The distribution of the initial conditions, in the system's order.
    pub initial: Vec<Initial>,
}

/// The most trajectories of a split.
const MOST_TRAJECTORIES: u64 = 1_000_000;

impl Generation {
    pub(super) fn check(&self, store: [usize; 2]) -> Result<(), String> {
        for axis in 0..2 {
            if store[axis] > self.solve[axis] {
                return Err(format!(
                    "`store` must be at most `generate.solve` along each axis, but is {store:?} with {:?}",
                    self.solve
                ));
            }
        }
        if self.gzip.is_some_and(|level| !(1..=9).contains(&level)) {
            return Err(format!("`gzip` must be a level from 1 to 9, but is {}", self.gzip.unwrap_or_default()));
        }
        grid("generate.solve", self.solve)?;
        at_least_one("trajectories.train", self.trajectories.train)?;
        for split in Split::ALL.into_iter().filter(|&split| self.trajectories[split] > 0) {
            count(&format!("trajectories.{split}"), self.trajectories[split], MOST_TRAJECTORIES)?;
        }
        if self.regimes.is_some() != (self.trajectories.held_out > 0) {
            return Err(format!(
                "`regimes` and `trajectories.held_out` belong together, but there are {} regimes and {} trajectories",
                if self.regimes.is_some() { "some" } else { "no" },
                self.trajectories.held_out
            ));
        }
        if let Some(regimes) = &self.regimes {
            regimes.check()?;
        }
        if let Some((name, value)) = self.constants.iter().find(|(_, value)| !is_finite(**value)) {
            return Err(format!("constant {name} must be finite, but is {value}"));
        }
        distinct("initial", self.initial.iter().map(|p| &p.name))?;
        self.initial
            .iter()
            .try_for_each(|quantity| quantity.check().map_err(|e| format!("initial {}: {e}", quantity.name)))
    }
}
