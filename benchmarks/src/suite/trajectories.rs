//! Which trajectory has which parameters, which initial condition, and belongs to which split.

use rand::seq::SliceRandom;

use super::generation::Generation;
use super::parameter_grid::ParameterGrid;
use super::system_suite::SystemSuite;
use crate::split::Split;
use crate::systems::Case;
use physrep_random::keyed;

/// One trajectory of a suite's system.
#[derive(Clone, Debug, PartialEq)]
pub struct Trajectory {
    /// The split.
    pub split: Split,
    /// Index of its set of parameters in [`parameter_sets`].
    pub set: usize,
    /// Index within the file of its split and set of parameters.
    pub index: usize,
    /// Its parameters and initial condition.
    pub case: Case,
}

/// All combinations of the section's parameter `values`, the last parameter varying fastest; then those that have a
/// `held_out` value.
pub fn parameter_sets(section: &SystemSuite) -> Vec<Vec<f64>> {
    let mut sets = trained_sets(section);
    let known = sets.clone();
    sets.extend(
        product(section.parameters.iter().map(ParameterGrid::all)).into_iter().filter(|set| !known.contains(set)),
    );
    sets
}

/// The sets of parameters of train, valid and test, the last parameter varying fastest.
pub fn trained_sets(section: &SystemSuite) -> Vec<Vec<f64>> {
    product(section.parameters.iter().map(|grid| grid.values.clone()))
}

/// All trajectories of a generated section, ordered by split, then set of parameters, then index.
///
/// A pure function of the suite's `seed`, the system's name and the set of parameters: adding a value to the grid
/// leaves the other sets as they were. No initial condition occurs twice within a set of parameters, so that no split
/// sees the run of another.
pub fn trajectories(section: &SystemSuite, generation: &Generation, seed: u64) -> Vec<Trajectory> {
    let conditions = product(generation.initial.iter().map(|grid| grid.values.clone()));
    let trained = trained_sets(section).len();
    let mut all = Vec::new();
    for (set, parameters) in parameter_sets(section).into_iter().enumerate() {
        let bits: Vec<u8> = parameters.iter().flat_map(|p| p.to_bits().to_le_bytes()).collect();
        let mut random = keyed(
            "physrep-bench 1 initial conditions of trajectories",
            &[&seed.to_le_bytes(), section.name.as_bytes(), &bits],
        );
        let mut shuffled = conditions.clone();
        shuffled.shuffle(&mut random);
        let mut shuffled = shuffled.into_iter();
        for split in Split::ALL.into_iter().filter(|&split| (split == Split::HeldOut) == (set >= trained)) {
            for index in 0..generation.trajectories[split] {
                let initial = shuffled.next().expect("a valid suite has enough initial conditions");
                all.push(Trajectory { split, set, index, case: Case { parameters: parameters.clone(), initial } });
            }
        }
    }
    all.sort_by_key(|t| (t.split, t.set, t.index));
    all
}

fn product(grids: impl Iterator<Item = Vec<f64>>) -> Vec<Vec<f64>> {
    grids.fold(vec![Vec::new()], |rows, values| {
        rows.iter().flat_map(|row| values.iter().map(move |&v| [row.as_slice(), &[v]].concat())).collect()
    })
}
