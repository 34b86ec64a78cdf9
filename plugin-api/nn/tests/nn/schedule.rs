//! The cosine schedule: its fixed points, and the reference's values.

use physrep_nn::CosineSchedule;

use crate::support::{reference, values};

const SCHEDULE: CosineSchedule =
    CosineSchedule { peak: 1e-3, last: 1e-6, steps: 100, warmup_steps: 10, warmup_start: 1e-6 };

#[test]
fn rises_linearly_then_falls_along_half_a_cosine() {
    assert_eq!(SCHEDULE.at(0), 1e-6);
    assert_eq!(SCHEDULE.at(9), 1e-3);
    assert_eq!(SCHEDULE.at(10), 1e-3);
    let step = SCHEDULE.at(1) - SCHEDULE.at(0);
    for i in 1..9 {
        assert!((SCHEDULE.at(i + 1) - SCHEDULE.at(i) - step).abs() < 1e-18);
    }
    assert!((10..99).all(|i| SCHEDULE.at(i + 1) < SCHEDULE.at(i)));
    let odd = CosineSchedule { steps: 101, ..SCHEDULE };
    assert!((odd.at(55) - 0.5 * (1e-3 + 1e-6)).abs() < 1e-15, "half way is half the drop");
    assert!((SCHEDULE.at(99) - 1e-6).abs() < 1e-18);
    assert_eq!(SCHEDULE.at(100_000), 1e-6);
}

#[test]
fn short_schedules_stay_finite() {
    for steps in 0..4 {
        for warmup_steps in 0..5 {
            let schedule = CosineSchedule { steps, warmup_steps, ..SCHEDULE };
            for at in 0..6 {
                let value = schedule.at(at);
                assert!((1e-6..=1e-3).contains(&value), "{schedule:?} at {at}: {value}");
            }
        }
    }
}

#[test]
fn agrees_with_the_reference() {
    let Some(vectors) = reference("schedules.safetensors") else {
        return;
    };
    let case = |peak, last, steps, warmup_steps, warmup_start| CosineSchedule {
        peak,
        last,
        steps,
        warmup_steps,
        warmup_start,
    };
    for (name, schedule) in [
        ("s0", case(1e-3, 1e-6, 100, 0, 1e-6)),
        ("s1", case(1e-3, 1e-6, 100, 10, 1e-6)),
        ("s2", case(1e-4, 1e-6, 57, 7, 1e-6)),
        ("s3", case(1e-3, 0.0, 65, 26, 0.0)),
    ] {
        // Computed in f32.
        let expected = values(&vectors[name]);
        assert_eq!(expected.len(), schedule.steps);
        for (i, expected) in expected.into_iter().enumerate() {
            let got = schedule.at(i);
            assert!((got - expected).abs() <= 2e-7 * schedule.peak, "{name}[{i}]: {got} {expected}");
        }
    }
}
