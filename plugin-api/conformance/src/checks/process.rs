//! What only a process of its own can show: threads, memory, and time.

use std::time::Instant;

use crate::{
    check::{Check, Outcome},
    clips::Clips,
    setting::{Setting, SuiteShape},
    subject::{Failure, Session, Spec, Subject},
};

/// How much a process may grow, in bytes: what an allocator keeps.
const GROWTH: u64 = 64 << 20;

pub const THREADS: Check = Check {
    name: "threads",
    what: "one, two and four threads give the same bytes",
    why: "the same seed on the same machine must score the same, whoever else uses its cores",
    mend: "sum in a fixed order, not in the order in which threads finish",
    mend_program: None,
    quick: false,
    run: |subject, setting| {
        if !subject.has_processes() {
            return Outcome::skipped("sessions of this test share its threads; `physrep-bench check` tries it");
        }
        let mut one = None;
        for threads in [1, 2, 4] {
            let mut session = subject.open(&Spec { threads, ..setting.spec.clone() })?;
            setting.train(&mut *session, 0..3)?;
            let result = (session.save()?, session.encode(&setting.clips(3, 1), 0)?);
            if *one.get_or_insert_with(|| result.clone()) != result {
                return Outcome::failed(format!(
                    "with {threads} threads the weights or tokens differ from those with one"
                ));
            }
        }
        Outcome::passed()
    },
};

pub const MEMORY: Check = Check {
    name: "memory",
    what: "memory does not grow with steps or encodings",
    why: "a run of thousands of steps would end in the middle, for want of memory",
    mend: "keep no tensor with its graph beyond a step: `detach` what you store",
    mend_program: Some("keep no graph beyond a step: in PyTorch, `detach` what you store"),
    quick: false,
    run: |subject, setting| {
        const ROUNDS: u64 = 20;
        let mut session = setting.open(subject)?;
        let round = |session: &mut dyn Session| -> Result<(), Failure> {
            for step in 0..ROUNDS {
                session.pretrain_step(&setting.batch(step), 0)?;
                session.encode(&setting.clips(4, step), 0)?;
            }
            Ok(())
        };
        round(&mut *session)?;
        let Some(before) = session.memory() else {
            return Outcome::skipped("sessions of this test share its memory; `physrep-bench check` tries it");
        };
        round(&mut *session)?;
        let grown = session.memory().unwrap_or_default().saturating_sub(before);
        let text = format!("{} MiB, {} MiB more after {ROUNDS} further rounds", before >> 20, grown >> 20);
        match grown > GROWTH {
            true => Outcome::failed(text),
            false => Ok(Outcome::Passed(text)),
        }
    },
};

pub const TIME: Check = Check {
    name: "time",
    what: "how long the suites would take on this machine",
    why: "settings for the paper's sizes run for days on a laptop",
    mend: "give the suite's `[methods.NAME]` smaller sizes",
    mend_program: None,
    quick: false,
    run: |subject, setting| {
        let mut suites: Vec<(&str, f64)> = Vec::new();
        for shape in &setting.suites {
            let Ok(seconds) = seconds(subject, setting, shape) else { continue };
            match suites.iter_mut().find(|(name, _)| *name == shape.suite) {
                Some((_, sum)) => *sum += seconds,
                None => suites.push((&shape.suite, seconds)),
            }
        }
        if suites.is_empty() {
            return Outcome::skipped("no suite whose systems work is given");
        }
        let times: Vec<String> = suites
            .iter()
            .map(|(name, seconds)| format!("{name}: {seconds:.0} s of pretraining and encoding"))
            .collect();
        Ok(Outcome::Passed(times.join(", ")))
    },
};

/// The time to pretrain on a system of a suite and to encode its windows, from a few steps.
fn seconds(subject: &dyn Subject, setting: &Setting, suite: &SuiteShape) -> Result<f64, Failure> {
    const STEPS: u32 = 2;
    let spec = Spec {
        config: suite.config.clone(),
        systems: vec![suite.shape],
        context_frames: suite.context_frames,
        future_frames: suite.future_frames,
        batch: suite.batch,
        steps: suite.steps,
        ..setting.spec.clone()
    };
    let mut session = subject.open(&spec)?;
    let (batch, clips) =
        (Clips::waves(spec.pretraining_shape(0), 1), Clips::waves(spec.encoding_shape(0, suite.batch), 1));
    session.pretrain_step(&batch, 0)?; // starts threads
    let mut clock = Instant::now();
    for _ in 0..STEPS {
        session.pretrain_step(&batch, 0)?;
    }
    let step = clock.elapsed().as_secs_f64() / f64::from(STEPS);
    clock = Instant::now();
    session.encode(&clips, 0)?;
    let clip = clock.elapsed().as_secs_f64() / suite.batch as f64;
    Ok(step * suite.steps as f64 + clip * suite.windows as f64)
}
