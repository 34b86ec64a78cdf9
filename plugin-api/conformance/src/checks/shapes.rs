//! Channels, grids and frames: a method takes them, or refuses them as unsupported.

use crate::{
    check::{Check, Outcome},
    clips::Clips,
    subject::{Failure, Spec, Subject, SystemShape},
};

/// The largest embedding of a suite's windows, in bytes.
const LARGEST_EMBEDDING: usize = 8 << 30;

pub const GRIDS: Check = Check {
    name: "grids",
    what: "other grids, channels and frames work, or are refused with a reason",
    why: "suites differ; a shape error of a tensor library in a row tells nobody what to do",
    mend: "check the shapes in `new` and return `Error::Unsupported` with what is allowed",
    mend_program: Some("check the shapes in `__init__` and raise `physrep.Unsupported` with what is allowed"),
    quick: false,
    run: |subject, setting| {
        let base = &setting.spec;
        let frames = (base.context_frames, base.future_frames);
        let usual = base.systems[0];
        let cases = [
            (usual.channels, [32, 64], frames),
            (usual.channels, [64, 32], frames),
            (usual.channels, [33, 31], frames),
            (1, usual.size, frames),
            (11, usual.size, frames),
            (usual.channels, usual.size, (4, 4)),
            (usual.channels, usual.size, (16, 1)),
        ];
        let mut refused = Vec::new();
        for (channels, size, (context_frames, future_frames)) in cases {
            let systems = vec![SystemShape { channels, size }];
            let spec = Spec { systems, context_frames, future_frames, batch: 2, ..base.clone() };
            let case = format!(
                "{channels} channels, {}x{} points, {context_frames} + {future_frames} frames",
                size[0], size[1]
            );
            match works(subject, &spec) {
                Ok(()) => {}
                Err(failure) if failure.refused => refused.push(case),
                Err(failure) => return Outcome::failed(format!("{case}: {}", failure.message)),
            }
        }
        Ok(Outcome::Passed(match refused.is_empty() {
            true => "all work".to_owned(),
            false => format!("refused: {}", refused.join("; ")),
        }))
    },
};

pub const SUITES: Check = Check {
    name: "suites",
    what: "the systems of the suites work",
    why: "these are the tables that others will look at",
    mend: "see the message, and the suite's `[methods.NAME]` for settings of your own",
    mend_program: None,
    quick: false,
    run: |subject, setting| {
        if setting.suites.is_empty() {
            return Outcome::skipped("no suites are given");
        }
        let mut refused = Vec::new();
        for suite in &setting.suites {
            let spec = Spec {
                config: suite.config.clone(),
                systems: vec![suite.shape],
                context_frames: suite.context_frames,
                future_frames: suite.future_frames,
                batch: 2,
                ..setting.spec.clone()
            };
            let name = format!("{} of {}", suite.system, suite.suite);
            match works(subject, &spec) {
                Ok(()) => {}
                Err(failure) if failure.refused => refused.push(format!("{name} ({})", failure.message)),
                Err(failure) => return Outcome::failed(format!("{name}: {}", failure.message)),
            }
        }
        Ok(Outcome::Passed(match refused.is_empty() {
            true => format!("{} systems", setting.suites.len()),
            false => format!("refused: {}", refused.join("; ")),
        }))
    },
};

pub const JOINT: Check = Check {
    name: "joint-pretraining",
    what: "one session learns from two systems with different channels and grids",
    why: "the method says that it can, and suites then pretrain it on all their systems together",
    mend: "look up the batch's system, `batch.system`, in `setup.systems`; or set `JOINT_PRETRAINING` to false",
    mend_program: Some("look up the batch's system in `setup.systems`; or say `joint = false` in method.toml"),
    quick: false,
    run: |subject, setting| {
        if subject.description()["joint_pretraining"] != true {
            return Outcome::skipped("the method pretrains on one system at a time");
        }
        let systems = vec![SystemShape { channels: 4, size: [32, 32] }, SystemShape { channels: 3, size: [32, 64] }];
        let spec = Spec { systems, batch: 2, ..setting.spec.clone() };
        let mut session = subject.open(&spec)?;
        for step in 0..4 {
            let system = step as usize % 2;
            session.pretrain_step(&Clips::waves(spec.pretraining_shape(system), step), system)?;
        }
        for system in 0..2 {
            session.encode(&Clips::waves(spec.encoding_shape(system, 2), 9), system)?;
        }
        Outcome::passed()
    },
};

pub const TOKENS: Check = Check {
    name: "size-of-tokens",
    what: "the embeddings of the suites' windows fit memory",
    why: "probes hold all tokens of a system at once",
    mend: "return fewer or shorter tokens: pool neighbouring ones",
    mend_program: None,
    quick: false,
    run: |subject, setting| {
        let mut largest = (0, String::new());
        for suite in &setting.suites {
            let spec = Spec {
                config: suite.config.clone(),
                systems: vec![suite.shape],
                context_frames: suite.context_frames,
                future_frames: suite.future_frames,
                ..setting.spec.clone()
            };
            // A shape that does not work has a check of its own.
            let Ok(tokens) = subject
                .open(&spec)
                .and_then(|mut session| session.encode(&Clips::waves(spec.encoding_shape(0, 1), 1), 0))
            else {
                continue;
            };
            let bytes = suite.windows * tokens.shape[1] * tokens.shape[2] * size_of::<f32>();
            largest = largest.max((bytes, format!("{} of {}", suite.system, suite.suite)));
        }
        let (bytes, system) = largest;
        let megabytes = bytes / 1_000_000;
        match (bytes, bytes > LARGEST_EMBEDDING) {
            (0, _) => Outcome::skipped("no suite whose systems work is given"),
            (_, false) => Ok(Outcome::Passed(format!("at most {megabytes} MB, for {system}"))),
            _ => Outcome::failed(format!("{megabytes} MB for {system}")),
        }
    },
};

/// Trains one step, and encodes.
fn works(subject: &dyn Subject, spec: &Spec) -> Result<(), Failure> {
    let mut session = subject.open(spec)?;
    session.pretrain_step(&Clips::waves(spec.pretraining_shape(0), 1), 0)?;
    session.encode(&Clips::waves(spec.encoding_shape(0, 2), 2), 0)?;
    Ok(())
}
