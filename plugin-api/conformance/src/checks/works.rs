//! What all other checks need.

use crate::{
    check::{Check, Outcome},
    subject::Failure,
};

pub const WORKS: Check = Check {
    name: "works",
    what: "a session opens, trains one step and encodes",
    why: "nothing else can be checked otherwise",
    mend: "the message is the method's own; look at the code that it names",
    mend_program: None,
    quick: true,
    run: |subject, setting| {
        let within =
            |call: &'static str| move |failure: Failure| Failure::new(format!("in {call}: {}", failure.message));
        let mut session = setting.open(subject).map_err(within("creating it"))?;
        session.pretrain_step(&setting.batch(1), 0).map_err(within("the first training step"))?;
        session.encode(&setting.clips(2, 1), 0).map_err(within("encoding"))?;
        Outcome::passed()
    },
};
