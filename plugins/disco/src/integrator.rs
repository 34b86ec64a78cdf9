//! Integration of an autonomous ODE by the embedded Runge-Kutta pair of Bogacki and Shampine, with adaptive steps.

use physrep_plugin_api::candle_core::{DType, Result, Tensor, bail};
use serde::{Deserialize, Serialize};

/// Tolerances and limits of the adaptive steps; the defaults are DISCO's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IntegratorConfig {
    /// Tolerated error of a step, relative to the state.
    pub rtol: f64,
    /// Tolerated error of a step, absolute.
    pub atol: f64,
    /// The shortest step, as a fraction of the interval from 0 to 1. It is accepted whatever its error, so the number of
    /// steps is at most its reciprocal.
    pub min_step: f64,
}

impl Default for IntegratorConfig {
    fn default() -> Self {
        Self { rtol: 5e-6, atol: 1e-9, min_step: 1.0 / 32.0 }
    }
}

impl IntegratorConfig {
    /// Why the values are invalid, if they are.
    pub fn validate(&self) -> std::result::Result<(), String> {
        let Self { rtol, atol, min_step } = *self;
        if !(rtol >= 0.0 && atol >= 0.0 && rtol + atol > 0.0 && (rtol + atol).is_finite()) {
            return Err(format!("`rtol` (={rtol}) and `atol` (={atol}) must not be negative, nor both be 0"));
        }
        if !(min_step > 0.0 && min_step <= 1.0) {
            return Err(format!("`min_step` (={min_step}) must be above 0 and at most 1"));
        }
        Ok(())
    }
}

/// The state at the end of the interval, and the number of steps.
pub struct Integrated {
    /// The state at time 1.
    pub state: Tensor,
    /// Accepted steps.
    pub accepted: usize,
    /// Steps that were rejected for their error.
    pub rejected: usize,
}

/// The order of the solution.
const ORDER: f64 = 3.0;
/// The usual constants of step-size control: aim below the tolerance, and bound the growth and shrinkage of steps.
const SAFETY: f64 = 0.9;
const GROW: f64 = 10.0;
const SHRINK: f64 = 0.2;

/// Integrates `dx/dt = f(x)` from `start` at time 0 to time 1.
///
/// The steps are those of Bogacki and Shampine (Appl. Math. Lett. 2, 321, 1989): a solution of order 3, an embedded solution
/// of order 2, and the last stage is the first of the next step. A step is accepted if the root mean square of its error,
/// in units of the tolerance and over all elements, is at most 1.
///
/// Differentiable with respect to `start` and all tensors that `f` uses: gradients propagate through the accepted steps, whose
/// lengths count as constants. They are exact for the computed solution, unlike those of the adjoint equation.
///
/// # Errors
/// If the state becomes infinite or not a number, or `f` fails.
pub fn integrate(
    start: &Tensor,
    config: &IntegratorConfig,
    f: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Integrated> {
    let mut state = start.clone();
    let mut k1 = f(&state)?;
    let (mut time, mut accepted, mut rejected) = (0.0, 0, 0);
    let mut step = if config.min_step < 1.0 { first_step(&state, &k1, config, &f)? } else { 1.0 };
    while time < 1.0 {
        let shortest = step <= config.min_step;
        step = step.max(config.min_step);
        // The rest would be too short for another step.
        let last = time + step > 1.0 - 1e-9;
        let length = if last { 1.0 - time } else { step };
        let k2 = f(&(&state + (&k1 * (length / 2.0))?)?)?;
        let k3 = f(&(&state + (&k2 * (0.75 * length))?)?)?;
        let increment = (((&k1 * (2.0 / 9.0))? + (&k2 * (1.0 / 3.0))?)? + (&k3 * (4.0 / 9.0))?)?;
        let next = (&state + (increment * length)?)?;
        if last && (shortest || length <= config.min_step) {
            return Ok(Integrated { state: next, accepted: accepted + 1, rejected });
        }
        let k4 = f(&next)?;
        // The difference of the solutions of order 3 and 2.
        let error = {
            let [k1, k2, k3, k4] = [&k1, &k2, &k3, &k4].map(Tensor::detach);
            let early = ((k1 * (-5.0 / 72.0))? + (k2 * (1.0 / 12.0))?)?;
            (((early + (k3 * (1.0 / 9.0))?)? - (k4 * 0.125)?)? * length)?
        };
        let ratio = ratio(&error, &[&state, &next], config)?;
        if !ratio.is_finite() {
            bail!("the integration broke down at time {time:.3}: the error of a step of {length:.3e} is {ratio}");
        }
        if ratio <= 1.0 || shortest || length <= config.min_step {
            (state, k1, time, accepted) = (next, k4, time + length, accepted + 1);
            if last {
                break;
            }
        } else {
            rejected += 1;
        }
        let shrink = if ratio < 1.0 { 1.0 } else { SHRINK };
        step = length * (SAFETY / ratio.powf(1.0 / ORDER)).max(shrink).min(GROW);
    }
    Ok(Integrated { state, accepted, rejected })
}

/// An estimate of the first step's length from the size of the state and its first two derivatives (Hairer, Norsett and
/// Wanner, Solving Ordinary Differential Equations I, II.4).
fn first_step(
    state: &Tensor,
    slope: &Tensor,
    config: &IntegratorConfig,
    f: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<f64> {
    let (state, slope) = (state.detach(), slope.detach());
    let size = |x: &Tensor| ratio(x, &[&state], config);
    let (d0, d1) = (size(&state)?, size(&slope)?);
    let trial = if d0 < 1e-5 || d1 < 1e-5 { 1e-6 } else { 0.01 * d0 / d1 };
    let moved = f(&(&state + (&slope * trial)?)?)?.detach();
    let d2 = size(&(moved - &slope)?)? / trial;
    let steepest = d1.max(d2);
    let guess = if steepest <= 1e-15 { (trial * 1e-3).max(1e-6) } else { (0.01 / steepest).powf(1.0 / ORDER) };
    Ok(guess.min(100.0 * trial))
}

/// The root mean square of `x` in units of the tolerance at `states`.
fn ratio(x: &Tensor, states: &[&Tensor], config: &IntegratorConfig) -> Result<f64> {
    let mut largest = states[0].detach().abs()?;
    for state in &states[1..] {
        largest = largest.maximum(&state.detach().abs()?)?;
    }
    let allowed = largest.affine(config.rtol, config.atol)?;
    (x.detach() / allowed)?.to_dtype(DType::F64)?.sqr()?.mean_all()?.to_scalar::<f64>().map(f64::sqrt)
}
