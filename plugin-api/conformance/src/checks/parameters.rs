//! The parameters: which are the encoder's, and what moves them.

use crate::{
    check::{Check, Outcome},
    finite_differences::Weights,
    subject::Parameter,
};

pub const ENCODER: Check = Check {
    name: "encoder-parameters",
    what: "there is a parameter below the encoder's path",
    why: "these are what probes judge, what end-to-end training moves, and what `encode` loads",
    mend: "build the encoder from `params.pp(\"encoder\")`, or set `Method::ENCODER` to its path",
    mend_program: Some("name the encoder's arrays in `state` with `encoder.` in front"),
    quick: true,
    run: |subject, setting| {
        let parameters = setting.open(subject)?.parameters()?;
        match parameters.iter().filter(|parameter| parameter.encoder).count() {
            0 if parameters.is_empty() => Outcome::failed("the method has no parameters at all"),
            0 => Outcome::failed(format!("all are elsewhere: {}", names(parameters.iter()))),
            of_encoder => Ok(Outcome::Passed(format!("{of_encoder} of {}", parameters.len()))),
        }
    },
};

pub const COMPLETE: Check = Check {
    name: "complete-parameters",
    what: "all parameters exist once the session is open",
    why: "one that is made later is in no checkpoint and no optimizer",
    mend: "create every parameter in `new`",
    mend_program: Some("create every array of `state` in `__init__`"),
    quick: false,
    run: |subject, setting| {
        let mut session = setting.open(subject)?;
        let before = session.parameters()?;
        setting.train(&mut *session, 0..2)?;
        session.encode(&setting.clips(2, 1), 0)?;
        let after = session.parameters()?;
        let known = |name: &str| before.iter().any(|parameter| parameter.name == name);
        let new: Vec<_> = after.iter().filter(|parameter| !known(&parameter.name)).collect();
        match new.is_empty() && before.len() == after.len() {
            true => Outcome::passed(),
            false => Outcome::failed(format!("after two steps there are others: {}", names(new.into_iter()))),
        }
    },
};

pub const ENCODER_ALONE: Check = Check {
    name: "encoder-alone",
    what: "`encode` depends on the encoder's parameters alone",
    why: "a checkpoint of the encoder would not reproduce the embeddings, and end-to-end training would leave a part out",
    mend: "move what `encode` uses below the encoder's path",
    mend_program: Some("name what `encode` uses with `encoder.` in front, in `state`"),
    quick: false,
    run: |subject, setting| {
        let mut session = setting.open(subject)?;
        let clips = setting.clips(2, 1);
        let before = session.encode(&clips, 0)?;
        let state = session.save()?;
        let mut weights = Weights::of(&state)?;
        let others: Vec<_> = session.parameters()?.into_iter().filter(|parameter| !parameter.encoder).collect();
        for parameter in &others {
            weights.shift(&parameter.name, 0.25)?;
        }
        session.load(&weights.to_bytes()?)?;
        if session.encode(&clips, 0)? == before {
            return Ok(Outcome::Passed(format!("{} others changed nothing", others.len())));
        }
        // Which of them?
        let mut found = Vec::new();
        for parameter in &others {
            let mut weights = Weights::of(&state)?;
            weights.shift(&parameter.name, 0.25)?;
            session.load(&weights.to_bytes()?)?;
            if session.encode(&clips, 0)? != before {
                found.push(parameter);
            }
        }
        Outcome::failed(format!("it changes with {}", names(found.into_iter())))
    },
};

pub const ALL_OF_ENCODER: Check = Check {
    name: "all-of-encoder",
    what: "`encode` depends on every parameter of the encoder",
    why: "one that it does not use counts as the encoder's and is never trained end to end",
    mend: "use it in `encode`, or move it out of the encoder's path",
    mend_program: Some("use it in `encode`, or name it without `encoder.` in front, in `state`"),
    quick: false,
    run: |subject, setting| {
        let mut session = setting.open(subject)?;
        // After some training: zeros and closed residual branches hide parameters at first.
        setting.train(&mut *session, 0..5)?;
        let clips = setting.clips(2, 1);
        let before = session.encode(&clips, 0)?;
        let state = session.save()?;
        let of_encoder: Vec<_> = session.parameters()?.into_iter().filter(|parameter| parameter.encoder).collect();
        let mut unused = Vec::new();
        for parameter in &of_encoder {
            let mut weights = Weights::of(&state)?;
            weights.distort(&parameter.name)?;
            session.load(&weights.to_bytes()?)?;
            if session.encode(&clips, 0)? == before {
                unused.push(parameter);
            }
        }
        match unused.is_empty() {
            true => Ok(Outcome::Passed(format!("{} parameters", of_encoder.len()))),
            false => Outcome::failed(format!("it does not change with {}", names(unused.into_iter()))),
        }
    },
};

/// Why a check of training is not tried.
pub(super) const TRAINS_NOTHING: &str = "the method trains nothing: no parameter changes, and its loss is 0";

pub const TOUCHED: Check = Check {
    name: "trained-parameters",
    what: "training changes every parameter",
    why: "one that nothing moves stays random: often a graph that was cut, or a layer that was forgotten",
    mend: "let a gradient reach it, move it in `after_update`, or compute it instead of making it a parameter; a \
           method that trains nothing on purpose has a loss of 0",
    mend_program: Some(
        "train it; or, if it serves training alone, name it with `training.` in front, in `state`; a method that \
         trains nothing on purpose has a loss of 0",
    ),
    quick: false,
    run: |subject, setting| {
        let mut session = setting.open(subject)?;
        let before = session.parameters()?;
        let losses = setting.train(&mut *session, 0..6)?;
        let after = session.parameters()?;
        if before == after && losses.iter().all(|loss| *loss == 0.0) {
            return Outcome::skipped(TRAINS_NOTHING);
        }
        let still: Vec<_> = before.iter().filter(|parameter| after.contains(parameter)).collect();
        match still.is_empty() {
            true => Outcome::passed(),
            false => Outcome::failed(format!("six steps did not change {}", names(still.into_iter()))),
        }
    },
};

pub const END_TO_END: Check = Check {
    name: "end-to-end",
    what: "training with labels moves the encoder and nothing else",
    why: "suites train each encoder with labels, too: the supervised ceiling",
    mend: "let `encode` keep the graph: no `detach`, and parameters below the encoder's path",
    mend_program: Some("let `encode_backward` and `apply_gradients` train every array of the encoder"),
    quick: false,
    run: |subject, setting| {
        if subject.description()["end_to_end"] == false {
            return Outcome::skipped("the method has no end-to-end training");
        }
        let mut session = setting.open(subject)?;
        let before = session.parameters()?;
        session.finetune_step(&setting.clips(2, 1), 0)?;
        let after = session.parameters()?;
        let changed: Vec<_> = before.iter().filter(|parameter| !after.contains(parameter)).collect();
        if let Some(other) = changed.iter().find(|parameter| !parameter.encoder) {
            return Outcome::failed(format!("`{}` moved, which is not the encoder's", other.name));
        }
        match changed.len() {
            0 => Outcome::failed("no parameter moved"),
            moved => Ok(Outcome::Passed(format!(
                "{moved} of {} moved",
                before.iter().filter(|parameter| parameter.encoder).count()
            ))),
        }
    },
};

/// The names of parameters, the first few if they are many.
fn names<'a>(parameters: impl Iterator<Item = &'a Parameter>) -> String {
    const SHOWN: usize = 4;
    let names: Vec<_> = parameters.map(|parameter| format!("`{}`", parameter.name)).collect();
    match names.len() {
        0 => "none".to_owned(),
        n if n > SHOWN => format!("{} and {} more", names[..SHOWN].join(", "), n - SHOWN),
        _ => names.join(", "),
    }
}
