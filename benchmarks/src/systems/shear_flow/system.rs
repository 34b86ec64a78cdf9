//! Shear flow as one of the suite's systems.

use super::constants::{LENGTHS, NAME, ORIGIN};
use super::parameters::{Perturbation, ShearFlow};
use super::trajectory::simulate;
use crate::Result;
use crate::systems::domain::{Boundary, DomainAxis, Points};
use crate::systems::field::{Field, Rank};
use crate::systems::simulation::{Stop, simulation_error};
use crate::systems::system::{Case, Frame, PhysicalParameter, Resolution, System};

/// The system `shear_flow` of The Well.
pub struct ShearFlowSystem;

impl System for ShearFlowSystem {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        3
    }

    fn axes(&self) -> [DomainAxis; 2] {
        [0, 1].map(|axis| DomainAxis {
            name: ["x", "y"][axis].into(),
            start: ORIGIN[axis],
            length: LENGTHS[axis],
            boundary: Boundary::Periodic,
            points: Points::Uniform,
        })
    }

    fn fields(&self) -> Vec<Field> {
        vec![
            Field::new("tracer", Rank::Scalar),
            Field::new("pressure", Rank::Scalar),
            Field::new("velocity", Rank::Vector),
        ]
    }

    fn pictured_channel(&self) -> Option<&'static str> {
        Some("tracer")
    }

    fn parameters(&self) -> &'static [PhysicalParameter] {
        &[
            PhysicalParameter { name: "Reynolds", aliases: &["Rayleigh"] },
            PhysicalParameter { name: "Schmidt", aliases: &[] },
        ]
    }

    fn initial_condition(&self) -> &'static [&'static str] {
        &["n_shear", "width", "seed"]
    }

    fn simulate(
        &self,
        _constants: &[f64],
        case: &Case,
        resolution: &Resolution,
        frames: usize,
        dt: f64,
        on_frame: &mut dyn FnMut(&Frame<'_>) -> Result<()>,
    ) -> Result<()> {
        let fail = |reason: String| simulation_error(NAME, case, reason);
        let (&[reynolds, schmidt], &[n_shear, width, seed]) = (case.parameters.as_slice(), case.initial.as_slice())
        else {
            return Err(fail("expected [Reynolds, Schmidt] and [n_shear, width, seed]".into()));
        };
        let flow = ShearFlow {
            reynolds,
            schmidt,
            n_shear: count("n_shear", n_shear).map_err(fail)?,
            width,
            perturbation: Perturbation::Random(count("seed", seed).map_err(fail)? as u64),
        };
        simulate(&flow, resolution, frames, dt, |_, frame| {
            on_frame(&Frame { time: frame.time, fields: &[&frame.tracer, &frame.pressure, &frame.velocity] })
                .map_err(Stop::Caller)
        })
        .map_err(|stop: Stop| stop.into_error(NAME, case))
    }
}

/// A count, which suites write as a float.
fn count(name: &str, value: f64) -> Result<usize, String> {
    let whole = value as usize;
    match whole as f64 == value {
        true => Ok(whole),
        false => Err(format!("`{name}` must be a whole number, 0 or more, but is {value}")),
    }
}
