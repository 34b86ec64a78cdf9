//! Saving and loading: the saved state is all there is.

use crate::check::{Check, Outcome};

pub const ROUND_TRIP: Check = Check {
    name: "save-load-save",
    what: "a loaded state is saved with the same bytes",
    why: "a checkpoint of a checkpoint must not drift",
    mend: "save all that is loaded, in a fixed order",
    mend_program: None,
    quick: false,
    run: |subject, setting| {
        let mut session = setting.open(subject)?;
        setting.train(&mut *session, 0..2)?;
        let state = session.save()?;
        let mut other = setting.open(subject)?;
        other.load(&state)?;
        match other.save()? == state {
            true => Ok(Outcome::Passed(format!("{} kB", state.len() / 1000))),
            false => Outcome::failed("the bytes differ"),
        }
    },
};

pub const RESUME: Check = Check {
    name: "resume",
    what: "a run that is stopped after three steps and resumed ends with the bytes of one that is not",
    why: "runs are stopped by machines and people, and must not score differently for it",
    mend: "keep what training needs in parameters; draw from `step.rng(..)`, which depends on the step alone",
    mend_program: Some(
        "give all that training needs in `state`; draw from `step.rng(..)`, which depends on the step alone",
    ),
    quick: false,
    run: |subject, setting| {
        let mut whole = setting.open(subject)?;
        let losses = setting.train(&mut *whole, 0..6)?;
        let mut first = setting.open(subject)?;
        setting.train(&mut *first, 0..3)?;
        let state = first.save()?;
        drop(first);
        let mut second = setting.open(subject)?;
        second.load(&state)?;
        let rest = setting.train(&mut *second, 3..6)?;
        if rest != losses[3..] {
            return Outcome::failed(format!("the losses after it are {rest:?}, without a stop {:?}", &losses[3..]));
        }
        match second.save()? == whole.save()? {
            true => Outcome::passed(),
            false => Outcome::failed("losses are the same, the state is not"),
        }
    },
};

pub const NOTHING_OUTSIDE: Check = Check {
    name: "no-other-state",
    what: "tokens depend on the saved weights alone, not on what the session saw before",
    why: "embeddings of a published checkpoint would differ from those that were scored",
    mend: "keep running statistics and the like in parameters, or do without",
    mend_program: Some("give running statistics and the like in `state`, or do without"),
    quick: false,
    run: |subject, setting| {
        let mut trained = setting.open(subject)?;
        setting.train(&mut *trained, 0..3)?;
        let clips = setting.clips(3, 1);
        let (tokens, state) = (trained.encode(&clips, 0)?, trained.save()?);
        let mut fresh = setting.open(subject)?;
        fresh.load(&state)?;
        match fresh.encode(&clips, 0)? == tokens {
            true => Outcome::passed(),
            false => Outcome::failed("a new session with the same state gives other tokens"),
        }
    },
};
