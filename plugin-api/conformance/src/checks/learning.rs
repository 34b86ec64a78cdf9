//! The objective: its values, and that training lowers it.

use super::parameters::TRAINS_NOTHING;
use crate::{
    check::{Check, Outcome},
    clips::Clips,
};

/// Steps on one batch, after which the loss has to have fallen.
const STEPS: u64 = 50;

pub const FINITE: Check = Check {
    name: "finite-loss",
    what: "the loss is finite on zeros, on noise and on values a hundred times as large",
    why: "fields rest at first, and burst at times; a NaN ends the run",
    mend: "add an epsilon where the objective divides or takes roots, and sum in f32",
    mend_program: None,
    quick: false,
    run: |subject, setting| {
        let shape = setting.spec.pretraining_shape(0);
        let noise = Clips::noise(shape, 1);
        for (clips, what) in
            [(noise.scaled(0.0), "zeros"), (noise.clone(), "noise"), (noise.scaled(100.0), "large values")]
        {
            let loss = setting.open(subject)?.pretrain_step(&clips, 0);
            match loss {
                Ok(loss) if loss.is_finite() => {}
                Ok(loss) => return Outcome::failed(format!("on {what} it is {loss}")),
                Err(failure) => return Outcome::failed(format!("on {what}: {}", failure.message)),
            }
        }
        Outcome::passed()
    },
};

pub const SAME_LOSS: Check = Check {
    name: "same-loss",
    what: "the loss of a batch is the same when it is computed again in the same state",
    why: "a run that resumes repeats steps",
    mend: "keep no state in the struct: no counters, no caches, no statistics of earlier batches",
    mend_program: Some(
        "keep nothing between steps that `state` does not have: no counters, no caches, no statistics of earlier batches",
    ),
    quick: true,
    run: |subject, setting| {
        let mut session = setting.open(subject)?;
        let state = session.save()?;
        let batch = setting.batch(1);
        let before = session.pretrain_step(&batch, 0)?;
        session.load(&state)?;
        let again = session.pretrain_step(&batch, 0)?;
        match before.to_bits() == again.to_bits() {
            true => Ok(Outcome::Passed(format!("{before:.6}"))),
            false => Outcome::failed(format!("{before} and then {again}")),
        }
    },
};

pub const FALLS: Check = Check {
    name: "falling-loss",
    what: "the loss falls over fifty steps on one batch",
    why: "an objective that cannot fit one batch learns nothing from many",
    mend: "raise or lower the learning rate; check the sign of the loss and that no gradient is cut",
    mend_program: None,
    quick: false,
    run: |subject, setting| {
        let mut session = setting.open(subject)?;
        let (batch, before) = (setting.batch(1), session.parameters()?);
        let losses: Vec<f64> = (0..STEPS).map(|_| session.pretrain_step(&batch, 0)).collect::<Result<_, _>>()?;
        if losses.iter().all(|loss| *loss == 0.0) && session.parameters()? == before {
            return Outcome::skipped(TRAINS_NOTHING);
        }
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        let (first, last) = (mean(&losses[..5]), mean(&losses[losses.len() - 5..]));
        match last < first {
            true => Ok(Outcome::Passed(format!("{first:.4} to {last:.4}"))),
            false => {
                Outcome::failed(format!("the mean of the first five losses is {first:.4}, of the last five {last:.4}"))
            }
        }
    },
};
