//! How the data of a system is generated.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::checks::{at_least_one, distinct, finite_and_distinct};
use crate::split::PerSplit;

/// How the data of a system is generated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generation {
    /// Grid `[nx, ny]` on which the equations are solved.
    pub solve: [usize; 2],
    /// Compresses the files with gzip at this level, 1 to 9; without it they are contiguous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gzip: Option<u8>,
    /// Trajectories for each set of parameters: in train, valid and test for a set of `values`, in held-out for a set
    /// with one of the `held_out` values.
    pub trajectories: PerSplit<usize>,
    /// Values of the system's constants that differ from their defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub constants: BTreeMap<String, f64>,
    /// The grid of initial conditions, in the system's order; every combination is an initial condition.
    pub initial: Vec<InitialGrid>,
}

/// The values of one of the quantities that select an initial condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitialGrid {
    /// The quantity's name.
    pub name: String,
    /// Its values.
    pub values: Vec<f64>,
}

impl Generation {
    pub(super) fn check(&self, store: [usize; 2], held_out: bool) -> Result<(), String> {
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
        let PerSplit { train, valid, test, held_out: beyond } = self.trajectories;
        at_least_one("trajectories.train", train)?;
        if held_out != (beyond > 0) {
            return Err(format!(
                "`held_out` values and `trajectories.held_out` belong together, but there are {} values and {beyond} \
                 trajectories",
                if held_out { "some" } else { "no" }
            ));
        }
        if let Some((name, value)) = self.constants.iter().find(|(_, value)| !value.is_finite()) {
            return Err(format!("constant {name} must be finite, but is {value}"));
        }
        distinct("initial", self.initial.iter().map(|p| &p.name))?;
        for grid in &self.initial {
            at_least_one("number of `values`", grid.values.len())
                .and_then(|()| finite_and_distinct("values", &grid.values))
                .map_err(|e| format!("initial {}: {e}", grid.name))?;
        }
        let there_are = self.initial.iter().map(|grid| grid.values.len()).fold(1, usize::saturating_mul);
        let wanted = train.saturating_add(valid).saturating_add(test).max(beyond);
        if wanted > there_are {
            return Err(format!(
                "`trajectories` asks for {wanted} initial conditions for each set of parameters, but `initial` has \
                 {there_are}, and none may occur twice; ask for fewer or extend `initial`"
            ));
        }
        Ok(())
    }
}
