//! The assignment of initial conditions to trajectories and splits.

use std::collections::BTreeSet;

use physrep_benchmarks::assignment::{parameter_sets, trajectories};
use physrep_benchmarks::split::Split;
use physrep_benchmarks::suite::Suite;

use crate::system::{suite, suite_with};

#[test]
fn no_initial_condition_occurs_twice_within_a_set_of_parameters() {
    let suite = Suite::load("tiny").unwrap();
    for section in &suite.systems {
        let all = trajectories(section, suite.seed);
        for (set, parameters) in parameter_sets(section).iter().enumerate() {
            let of_set: Vec<_> = all.iter().filter(|t| t.set == set).collect();
            let conditions: BTreeSet<String> = of_set.iter().map(|t| format!("{:?}", t.case.initial)).collect();
            assert_eq!(conditions.len(), of_set.len());
            assert!(of_set.iter().all(|t| t.case.parameters == *parameters));
            for split in Split::ALL {
                let indices: Vec<_> = of_set.iter().filter(|t| t.split == split).map(|t| t.index).collect();
                assert_eq!(indices, (0..section.trajectories[split]).collect::<Vec<_>>());
            }
        }
    }
}

#[test]
fn the_last_parameter_varies_fastest() {
    let sets = parameter_sets(&suite().systems[0]);
    assert_eq!(sets[..4], [[100.0, 0.1], [100.0, 1.0], [100.0, 2.0], [2000.0, 0.1]]);
    assert_eq!(sets.len(), 6);
}

/// Numbers that must never change, or data of old suites could not be made again.
#[test]
fn the_assignment_is_what_it_has_always_been() {
    let suite = suite();
    let first: Vec<_> = trajectories(&suite.systems[0], suite.seed)
        .into_iter()
        .take(4)
        .map(|t| (t.set, t.index, t.case.initial))
        .collect();
    assert_eq!(
        first,
        [(0, 0, vec![1.0, 0.0]), (0, 1, vec![2.0, 0.0]), (0, 2, vec![2.0, 0.5]), (1, 0, vec![1.0, 0.0]),]
    );
}

#[test]
fn the_seed_decides_and_other_values_of_the_grid_do_not() {
    let suite = suite();
    let of = |suite: &Suite, seed| trajectories(&suite.systems[0], seed);
    assert_eq!(of(&suite, 7), of(&suite, 7));
    assert_ne!(of(&suite, 7), of(&suite, 8));

    let wider = suite_with("[0.1, 1, 2]", "[0.05, 0.1, 1, 2]").unwrap();
    let wider = of(&wider, 7);
    for old in of(&suite, 7) {
        assert!(wider.iter().any(|new| { (new.split, new.index, &new.case) == (old.split, old.index, &old.case) }));
    }
}
