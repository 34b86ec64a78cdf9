//! The labels of a set of windows.

use std::collections::BTreeSet;

/// The scaled labels of N windows for P parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Labels {
    /// `(N, P)`, row-major, z-scored by the suite.
    pub values: Vec<f32>,
    /// The P parameters' names, in the order of the columns.
    pub names: Vec<String>,
    /// The index of the trajectory of each of the N windows.
    pub trajectory: Vec<u32>,
}

impl Labels {
    /// The number of windows, N.
    pub fn n(&self) -> usize {
        self.trajectory.len()
    }

    /// The indices of the trajectories, each once, ascending.
    pub fn trajectories(&self) -> Vec<u32> {
        let distinct: BTreeSet<u32> = self.trajectory.iter().copied().collect();
        distinct.into_iter().collect()
    }
}
