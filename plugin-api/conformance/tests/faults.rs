//! A sound method passes every check, and for each check there is a fault that it finds.

mod toy;

use physrep_conformance::{CHECKS, Outcome, Setting, SuiteShape, SystemShape};
use serde_json::json;

use toy::Toy;

/// The usual setting, on small clips, with a suite.
fn setting() -> Setting {
    let mut setting = Setting::default();
    setting.spec.systems = vec![SystemShape { channels: 4, size: [6, 8] }];
    setting.suites = vec![SuiteShape {
        suite: "some".into(),
        system: "waves".into(),
        shape: SystemShape { channels: 2, size: [8, 8] },
        context_frames: 4,
        future_frames: 4,
        batch: 2,
        steps: 10,
        windows: 100,
        config: json!({}),
    }];
    setting
}

#[test]
fn a_sound_method_passes_every_check() {
    for check in CHECKS {
        let outcome = check.run(&Toy::new("none"), &setting());
        assert!(matches!(outcome, Outcome::Passed(_)), "{}: {outcome:?}", check.name);
    }
}

/// Checks, faults that they find, and a part of what they then say.
const FAULTS: &[(&str, &str, &str)] = &[
    ("name", "name with capitals", "\"Toy\""),
    ("name", "name of a floor", "there is a row `mean` already"),
    ("summary", "long summary", "it has 600 letters"),
    ("works", "fails at once", "in the first training step: shape mismatch"),
    ("defaults", "defaults without keys", "expected an object"),
    ("defaults", "infinite default", "`gain` is null"),
    ("keys", "key that cannot be set", "`gain` set to its own default"),
    ("unknown-key", "unknown keys", "a session opens with `no-such-key = 1`"),
    ("unknown-key", "nameless key", "does not name the key"),
    ("encoder-parameters", "no encoder", "all are elsewhere: `encoder.weight`"),
    ("complete-parameters", "late parameter", "there are others: `late`"),
    ("encoder-alone", "encode uses the head", "it changes with `head.weight`"),
    ("all-of-encoder", "unused parameter", "it does not change with `encoder.unused`"),
    ("trained-parameters", "unused parameter", "six steps did not change `encoder.unused`"),
    ("same-seed", "clock", "losses are the same, weights or tokens are not"),
    ("same-seed", "noisy loss", "the losses differ"),
    ("other-seed", "no seed", "the initial weights are the same"),
    ("finite-loss", "divides by the variance", "on zeros it is NaN"),
    ("same-loss", "counter in the loss", "and then"),
    ("falling-loss", "ascends", "the mean of the first five losses"),
    ("gradients", "half a gradient", "(0.50 times)"),
    ("distinct-tokens", "constant tokens", "two different clips have the same tokens"),
    ("distinct-tokens", "NaN in tokens", "a token holds NaN"),
    ("independent-clips", "batch norm", "of how much tokens vary"),
    ("encode-changes-nothing", "dropout in encode", "the second time, tokens differ"),
    ("encode-changes-nothing", "counter in encode", "another one after `encode`"),
    ("save-load-save", "unstable state", "the bytes differ"),
    ("resume", "moments are not saved", "the losses after it"),
    ("no-other-state", "running mean", "gives other tokens"),
    ("grids", "even grids", "33x31 points, 16 + 16 frames: shape mismatch"),
    ("suites", "sixteen frames", "waves of some: shape mismatch"),
    ("joint-pretraining", "one system", "no system 1"),
    ("size-of-tokens", "long tokens", "MB for waves of some"),
    ("end-to-end", "detached tokens", "no parameter moved"),
    ("end-to-end", "head is fine-tuned", "`head.weight` moved"),
    ("threads", "threads", "with 2 threads"),
    ("memory", "leak", "MiB more"),
    ("time", "sixteen frames", ""),
];

#[test]
fn each_check_finds_its_faults() {
    for (name, fault, said) in FAULTS {
        let check = CHECKS.iter().find(|check| check.name == *name).unwrap_or_else(|| panic!("no check {name}"));
        match check.run(&Toy::new(fault), &setting()) {
            Outcome::Failed(found) => assert!(found.contains(said), "{name}, {fault}: {found}"),
            // It only measures.
            Outcome::Skipped(_) if *name == "time" => {}
            other => panic!("{name} does not find {fault:?}: {other:?}"),
        }
    }
    for check in CHECKS {
        assert!(FAULTS.iter().any(|(name, ..)| *name == check.name), "no fault for {}", check.name);
    }
}

/// What a method cannot do it may refuse.
#[test]
fn a_refusal_with_a_reason_is_no_failure() {
    let grids = CHECKS.iter().find(|check| check.name == "grids").expect("a check");
    match grids.run(&Toy::new("refuses odd grids"), &setting()) {
        Outcome::Passed(detail) => assert!(detail.starts_with("refused: 4 channels, 33x31 points"), "{detail}"),
        other => panic!("{other:?}"),
    }
}
