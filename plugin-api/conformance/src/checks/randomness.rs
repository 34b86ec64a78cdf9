//! Randomness is an argument: the seed decides everything.

use crate::{
    check::{Check, Outcome},
    setting::Setting,
    subject::{Failure, Spec, Subject},
};

pub const SAME_SEED: Check = Check {
    name: "same-seed",
    what: "two sessions with one seed end with the same bytes",
    why: "a published row must be reproducible by others, at another time, in another folder",
    mend: "draw from `step.rng(..)` and `params` alone: no clock, no environment, no system randomness, no counters, no hash maps",
    mend_program: Some(
        "draw from `setup.rng(..)` and `step.rng(..)` alone: no clock, no environment, no `hash` of strings, no global generators",
    ),
    quick: true,
    run: |subject, setting| {
        let (first, second) = (run(subject, setting, setting.spec.seed)?, run(subject, setting, setting.spec.seed)?);
        if first.0 != second.0 {
            return Outcome::failed(format!("the losses differ: {:?} and {:?}", first.0, second.0));
        }
        match first == second {
            true => Outcome::passed(),
            false => Outcome::failed("losses are the same, weights or tokens are not"),
        }
    },
};

pub const OTHER_SEED: Check = Check {
    name: "other-seed",
    what: "another seed gives other weights",
    why: "intervals over seeds would be too narrow",
    mend: "let `params` draw initial weights, and use `step.rng(..)`",
    mend_program: Some("draw initial weights from `setup.rng(..)`, and the rest from `step.rng(..)`"),
    quick: false,
    run: |subject, setting| {
        let mut spec = setting.spec.clone();
        let before = subject.open(&spec)?.parameters()?;
        spec.seed += 1;
        match subject.open(&spec)?.parameters()? == before {
            true => Outcome::failed("the initial weights are the same"),
            false => Outcome::passed(),
        }
    },
};

/// Losses, state and tokens after three steps.
type Run = (Vec<f64>, Vec<u8>, Vec<f32>);

fn run(subject: &dyn Subject, setting: &Setting, seed: u64) -> Result<Run, Failure> {
    let mut session = subject.open(&Spec { seed, ..setting.spec.clone() })?;
    let losses = setting.train(&mut *session, 0..3)?;
    Ok((losses, session.save()?, session.encode(&setting.clips(3, 1), 0)?.values))
}
