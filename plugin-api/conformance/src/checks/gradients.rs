//! The gradient of the loss, by finite differences.

use crate::{
    check::{Check, Outcome},
    finite_differences::{Derivative, derivatives},
};

/// How far the ratio of a derivative to its finite difference may be from that of the others.
const TOLERANCE: f64 = 0.1;

pub const LOSS: Check = Check {
    name: "gradients",
    what: "the gradient that training follows is that of the loss, by finite differences",
    why: "an operation that cuts or bends a gradient trains something else than the loss says",
    mend: "use the operations of `nn` where candle's cut the graph; if the objective stops gradients on purpose, as with a teacher, \
           this check may fail for the parameters concerned",
    mend_program: None,
    quick: false,
    run: |subject, setting| {
        let derivatives = match derivatives(subject, setting)? {
            Some(derivatives) => derivatives,
            None => {
                return Outcome::skipped(
                    "the saved state holds no first moments of the optimizer (`@optimizer.NAME.exp_avg`)",
                );
            }
        };
        let measured: Vec<&Derivative> = derivatives.iter().filter(|derivative| derivative.is_above_noise()).collect();
        if measured.is_empty() {
            return Outcome::skipped("all derivatives are below the round-off of the loss");
        }
        // Clipping and the decay rate scale all moments by one factor.
        let mut ratios: Vec<f64> = measured.iter().map(|derivative| derivative.ratio()).collect();
        ratios.sort_by(f64::total_cmp);
        let scale = ratios[ratios.len() / 2];
        let wrong: Vec<String> = measured
            .iter()
            .filter(|derivative| ((derivative.ratio() / scale) - 1.0).abs() > TOLERANCE)
            .map(|derivative| format!("`{}` ({:.2} times)", derivative.name, derivative.ratio() / scale))
            .collect();
        match wrong.is_empty() {
            true => {
                Ok(Outcome::Passed(format!("{} of {} parameters above round-off", measured.len(), derivatives.len())))
            }
            false => Outcome::failed(format!(
                "along the gradient the loss changes by another amount than along the others': {}",
                wrong[..wrong.len().min(4)].join(", ")
            )),
        }
    },
};
