//! The assignment of initial conditions to trajectories and splits.

use std::collections::BTreeSet;

use physrep_benchmarks::Split;
use physrep_benchmarks::suite::{Suite, parameter_sets, trajectories};

use crate::support::{SUITE, planned, suite, suite_with};

#[test]
fn no_initial_condition_occurs_twice_within_a_set_of_parameters() {
    for suite in Suite::names().map(|name| Suite::load(name).unwrap()) {
        for section in &suite.systems {
            let Some(generation) = &section.generate else { continue };
            let all = trajectories(section, generation, suite.seed);
            for (set, parameters) in parameter_sets(section).iter().enumerate() {
                let of_set: Vec<_> = all.iter().filter(|t| t.set == set).collect();
                let conditions: BTreeSet<String> = of_set.iter().map(|t| format!("{:?}", t.case.initial)).collect();
                assert_eq!(conditions.len(), of_set.len());
                assert!(of_set.iter().all(|t| t.case.parameters == *parameters));
                let trained =
                    parameters.iter().zip(&section.parameters).all(|(value, grid)| grid.values.contains(value));
                for split in Split::ALL {
                    let there = if trained == (split != Split::HeldOut) { generation.trajectories[split] } else { 0 };
                    let indices: Vec<_> = of_set.iter().filter(|t| t.split == split).map(|t| t.index).collect();
                    assert_eq!(indices, (0..there).collect::<Vec<_>>());
                }
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
    let first: Vec<_> = planned(&suite).into_iter().take(4).map(|t| (t.set, t.index, t.case.initial)).collect();
    assert_eq!(
        first,
        [(0, 0, vec![1.0, 0.0]), (0, 1, vec![2.0, 0.0]), (0, 2, vec![2.0, 0.5]), (1, 0, vec![1.0, 0.0]),]
    );
}

#[test]
fn the_seed_decides_and_other_values_of_the_grid_do_not() {
    let suite = suite();
    let other = suite_with("seed = 7", "seed = 8").unwrap();
    assert_eq!(planned(&suite), planned(&suite));
    assert_ne!(planned(&suite), planned(&other));

    let wider = suite_with("[0.1, 1, 2]", "[0.05, 0.1, 1, 2]").unwrap();
    let wider = planned(&wider);
    for old in planned(&suite) {
        assert!(wider.iter().any(|new| { (new.split, new.index, &new.case) == (old.split, old.index, &old.case) }));
    }
}

#[test]
fn held_out_values_occur_in_no_other_split_and_leave_the_others_as_they_were() {
    let suite = suite();
    let text = SUITE
        .replacen("[0.1, 1, 2]", "[0.1, 1, 2], held_out = [0.05, 0.5]", 1)
        .replacen("test = 2 }", "test = 2, held_out = 4 }", 1)
        .replacen("test = 3 }", "test = 3, held_out = 1 }", 1);
    let held = planned(&Suite::parse(&text, "test").unwrap());
    let (beyond, within): (Vec<_>, Vec<_>) = held.into_iter().partition(|t| t.split == Split::HeldOut);
    assert_eq!(within, planned(&suite));
    assert_eq!(beyond.len(), 2 * 2 * 4);
    assert!(beyond.iter().all(|t| [0.05, 0.5].contains(&t.case.parameters[1])));
    assert!(beyond.iter().any(|t| t.case.parameters == [100.0, 0.05]));
}
