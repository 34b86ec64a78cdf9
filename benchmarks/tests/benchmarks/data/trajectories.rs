//! The parameters and initial conditions of trajectories.

use std::collections::BTreeSet;

use physrep_benchmarks::suite::{Generation, Regimes, Suite, SystemSuite, Trajectory, trajectories};
use physrep_benchmarks::{PerSplit, Regime, Split};

use crate::support::{held_out, planned, suite, suite_with};

/// Five digits of a parameter, as a place in its range.
const ROUNDING: f64 = 2e-4;

/// The generated sections of the embedded suites.
fn embedded() -> Vec<(Suite, SystemSuite, Generation)> {
    let of = |suite: Suite| {
        let generated = suite.systems.clone().into_iter().filter_map(|mut section| {
            let generation = section.generate.take()?;
            Some((section, generation))
        });
        generated.map(|(section, generation)| (suite.clone(), section, generation)).collect::<Vec<_>>()
    };
    let all: Vec<_> = Suite::names().flat_map(|name| of(Suite::load(name).unwrap())).collect();
    assert!(all.len() >= 6, "tiny and small have three systems each");
    all
}

/// As many trajectories in every split and regime.
fn many(section: &SystemSuite, generation: &Generation, seed: u64, count: usize) -> Vec<Trajectory> {
    let trajectories_of = PerSplit { train: count, valid: count, test: count, held_out: count };
    trajectories(section, &Generation { trajectories: trajectories_of, ..generation.clone() }, seed)
}

/// Where the parameters of a trajectory lie in their ranges, 0 to 1.
fn places(section: &SystemSuite, trajectory: &Trajectory) -> Vec<f64> {
    let place = |(parameter, &value): (&physrep_benchmarks::suite::Parameter, &f64)| {
        let [low, high] = parameter.range.unwrap().map(|end| parameter.scale.apply(end));
        (parameter.scale.apply(value) - low) / (high - low)
    };
    section.parameters.iter().zip(&trajectory.case.parameters).map(place).collect()
}

/// The splits that are not held out, and the regimes.
fn parts() -> impl Iterator<Item = (Split, Option<Regime>)> {
    let splits = Split::PUBLISHED.into_iter().map(|split| (split, None));
    splits.chain(Regime::ALL.into_iter().map(|regime| (Split::HeldOut, Some(regime))))
}

/// The trajectories of a split or regime.
fn of_part(all: &[Trajectory], part: (Split, Option<Regime>)) -> Vec<&Trajectory> {
    all.iter().filter(|trajectory| (trajectory.split, trajectory.regime) == part).collect()
}

#[test]
fn no_two_trajectories_share_their_parameters_or_their_initial_condition() {
    for (suite, section, generation) in embedded() {
        let all = trajectories(&section, &generation, suite.data_seed());
        let distinct = |of: fn(&Trajectory) -> &[f64]| {
            all.iter().map(|trajectory| format!("{:?}", of(trajectory))).collect::<BTreeSet<String>>().len()
        };
        let at = format!("{} {}", suite.name, section.name);
        assert_eq!(distinct(|trajectory| &trajectory.case.parameters), all.len(), "{at}");
        assert_eq!(distinct(|trajectory| &trajectory.case.initial), all.len(), "{at}");
        // Not by the other quantities alone: the last one is a number that no other trajectory has.
        assert_eq!(distinct(|trajectory| &trajectory.case.initial[trajectory.case.initial.len() - 1..]), all.len());
    }
}

#[test]
fn every_split_and_regime_has_as_many_as_the_suite_says_in_order() {
    for (suite, section, generation) in embedded() {
        let all = trajectories(&section, &generation, suite.data_seed());
        for part in parts() {
            assert_eq!(of_part(&all, part).len(), generation.trajectories[part.0], "{part:?}");
        }
        let found: Vec<_> = all.iter().map(|trajectory| (trajectory.split, trajectory.regime)).collect();
        assert!(found.is_sorted(), "by split and regime");
        for split in Split::ALL {
            let indices = all.iter().filter(|trajectory| trajectory.split == split).map(|trajectory| trajectory.index);
            assert!(indices.enumerate().all(|(place, index)| place == index), "{split}");
        }
    }
}

#[test]
fn the_parameters_of_every_split_and_regime_lie_in_its_region() {
    for (_, section, generation) in embedded() {
        let Some(Regimes { gap, near, far }) = generation.regimes else { continue };
        for trajectory in many(&section, &generation, 3, 1000) {
            let places = places(&section, &trajectory);
            let within = |low: f64, high: f64| places.iter().all(|place| (low..=high).contains(place));
            let (low, high) = (0.5 - 0.5 * gap, 0.5 + 0.5 * gap);
            let fits = match trajectory.regime {
                None => within(-ROUNDING, 1.0 + ROUNDING) && !within(low + ROUNDING, high - ROUNDING),
                Some(Regime::Interpolation) => within(low - ROUNDING, high + ROUNDING),
                Some(Regime::NearExtrapolation) => {
                    within(-near - ROUNDING, 1.0 + near + ROUNDING) && !within(ROUNDING, 1.0 - ROUNDING)
                }
                Some(Regime::FarExtrapolation) => {
                    within(-far - ROUNDING, 1.0 + far + ROUNDING) && !within(-near + ROUNDING, 1.0 + near - ROUNDING)
                }
            };
            assert!(fits, "{}: {trajectory:?} at {places:?}", section.name);
        }
    }
}

/// Points that were drawn independently would miss their share by more than half in some cell nearly always.
#[test]
fn parameters_are_spread_evenly_over_their_region() {
    for (_, section, generation) in embedded() {
        let Some(Regimes { gap, near, far }) = generation.regimes else { continue };
        let middle = [0.5 - 0.5 * gap, 0.5 + 0.5 * gap];
        for seed in 0..20 {
            let all = many(&section, &generation, seed, 128);
            for part in parts() {
                let places: Vec<_> =
                    of_part(&all, part).iter().map(|trajectory| places(&section, trajectory)).collect();
                assert_eq!((places.len(), places[0].len()), (128, 2));
                let count = |x: [f64; 2], y: [f64; 2]| {
                    places.iter().filter(|p| (x[0]..x[1]).contains(&p[0]) && (y[0]..y[1]).contains(&p[1])).count()
                };
                let fair = |x: [f64; 2], y: [f64; 2], area: f64| {
                    let share = 128.0 * (x[1] - x[0]) * (y[1] - y[0]) / area;
                    let found = count(x, y) as f64;
                    assert!(
                        (found - share).abs() <= 0.5 * share,
                        "{part:?}, seed {seed}, {x:?} {y:?}: {found} of {share}"
                    );
                };
                let (low, high, hole) = match part.1 {
                    None => (0.0, 1.0, middle),
                    Some(Regime::Interpolation) => (middle[0], middle[1], [0.5, 0.5]),
                    Some(Regime::NearExtrapolation) => (-near, 1.0 + near, [0.0, 1.0]),
                    Some(Regime::FarExtrapolation) => (-far, 1.0 + far, [-near, 1.0 + near]),
                };
                let area = (high - low).powi(2) - (hole[1] - hole[0]).powi(2);
                let edge = |i: usize| low + (high - low) * i as f64 / 4.0;
                let cells = (0..4).flat_map(|i| (0..4).map(move |j| [i, j].map(|k| [edge(k), edge(k + 1)])));
                let beside = |cell: [f64; 2]| cell[1] <= hole[0] || cell[0] >= hole[1];
                let inside: Vec<_> = cells.filter(|&[x, y]| beside(x) || beside(y)).collect();
                // The frames of extrapolation are narrower than a cell: their four sides have their shares.
                match part.1 {
                    Some(Regime::NearExtrapolation | Regime::FarExtrapolation) => {
                        for side in [[low, hole[0]], [hole[1], high]] {
                            fair(side, [low, high], area);
                            fair([low, high], side, area);
                        }
                    }
                    _ => assert!(inside.len() >= 12),
                }
                inside.into_iter().for_each(|[x, y]| fair(x, y, area));
            }
        }
    }
}

#[test]
fn more_trajectories_in_one_split_leave_all_others_as_they_were() {
    let suite = held_out(4);
    let (section, generation) = (&suite.systems[0], suite.systems[0].generate.as_ref().unwrap());
    let before = planned(&suite);
    let more: [fn(&mut PerSplit<usize>); 4] =
        [|all| all.train += 5, |all| all.valid += 5, |all| all.test += 5, |all| all.held_out += 5];
    for (split, more) in Split::ALL.into_iter().zip(more) {
        let mut generation = generation.clone();
        more(&mut generation.trajectories);
        let after = trajectories(section, &generation, suite.data_seed());
        for part in parts() {
            let cases = |all| of_part(all, part).into_iter().map(|t| t.case.clone()).collect::<Vec<_>>();
            let (before, after) = (cases(&before), cases(&after));
            assert_eq!(after.len(), before.len() + if part.0 == split { 5 } else { 0 });
            assert_eq!(after[..before.len()], before, "more in {split}, and {part:?}");
        }
    }
}

#[test]
fn the_seed_and_the_draw_decide_about_every_trajectory() {
    let suite = held_out(4);
    assert_eq!(planned(&suite), planned(&suite));
    let all = [
        suite.clone(),
        Suite { seed: 8, ..suite.clone() },
        Suite { draw: 1, ..suite.clone() },
        Suite { draw: 7, ..suite.clone() },
        Suite { seed: 8, draw: 7, ..suite },
    ]
    .map(|suite| planned(&suite));
    let mut seen = BTreeSet::new();
    for trajectory in all.iter().flatten() {
        assert!(seen.insert(format!("{:?}", trajectory.case.parameters)), "{trajectory:?}");
    }
    for (a, b) in all.iter().zip(&all[1..]) {
        let phase = |trajectory: &Trajectory| trajectory.case.initial[1];
        assert!(a.iter().zip(b).all(|(a, b)| phase(a) != phase(b)));
    }
}

#[test]
fn two_systems_have_trajectories_of_their_own() {
    let (suite, mut other) = (suite(), suite());
    other.systems[0].name = "other_flow".into();
    let (one, two) = (planned(&suite), planned(&other));
    assert!(
        one.iter().zip(&two).all(|(a, b)| a.case.parameters != b.case.parameters && a.case.initial != b.case.initial)
    );
}

#[test]
fn parameters_have_five_digits() {
    for value in planned(&held_out(6)).iter().flat_map(|trajectory| &trajectory.case.parameters) {
        assert_eq!(*value, format!("{value:.4e}").parse::<f64>().unwrap());
        assert!((f64::from(*value as f32) - value).abs() < 1e-6 * value.abs(), "files hold single precision");
    }
}

#[test]
fn initial_conditions_are_drawn_from_their_distributions() {
    let suite = suite_with("train = 18", "train = 600").unwrap();
    let mut train = planned(&suite);
    train.truncate(600);
    let count =
        |what: &dyn Fn(&[f64]) -> bool| train.iter().filter(|trajectory| what(&trajectory.case.initial)).count();
    for wave in [1.0, 2.0, 3.0] {
        let found = count(&|initial| initial[0] == wave);
        assert!((150..250).contains(&found), "wave {wave}: {found}");
    }
    assert_eq!(count(&|initial| (0.0..6.0).contains(&initial[1])), 600);
    for sixth in 0..6 {
        let found = count(&|initial| initial[1] as usize == sixth);
        assert!((60..140).contains(&found), "phase {sixth}: {found}");
    }
    // Neither depends on the other, nor on the parameters.
    let both = count(&|initial| initial[0] == 1.0 && initial[1] < 3.0);
    assert!((60..140).contains(&both), "{both}");
    let unique = suite_with(r#"{ name = "phase", range = [0, 6] }"#, r#"{ name = "phase" }"#).unwrap();
    let numbers: BTreeSet<u64> = planned(&unique).iter().map(|trajectory| trajectory.case.initial[1] as u64).collect();
    assert_eq!(numbers.len(), 36);
    assert!(*numbers.last().unwrap() > 1 << 50 && *numbers.last().unwrap() < 1 << 52, "{numbers:?}");
}

/// Numbers that must never change, or data of old suites could not be made again.
#[test]
fn the_assignment_is_what_it_has_always_been() {
    let suite = held_out(1);
    let all = planned(&suite);
    let first = |part: (Split, Option<Regime>)| {
        let first = of_part(&all, part)[0].case.clone();
        (first.parameters, first.initial)
    };
    let found: Vec<_> = parts().map(first).collect();
    let expected = [
        ([967.25, 0.29721], [2.0, 5.334]),
        ([334.54, 1.4375], [3.0, 4.9322]),
        ([726.99, 0.83754], [2.0, 5.6516]),
        ([378.93, 1.0692], [3.0, 3.6956]),
        ([88.647, 0.10423], [2.0, 1.6322]),
        ([138.89, -0.23059], [3.0, 2.37]),
    ];
    assert_eq!(found, expected.map(|(parameters, initial)| (parameters.to_vec(), initial.to_vec())));
    assert_eq!(Suite { draw: 7, ..suite }.data_seed(), 6_618_642_921_397_235_155);
}
