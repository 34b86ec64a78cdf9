//! Rayleigh-Benard convection as one of the suite's systems.

use super::constants::{LENGTHS, NAME};
use super::parameters::RayleighBenard;
use super::trajectory::simulate;
use crate::Result;
use crate::systems::domain::{Boundary, DomainAxis, Points};
use crate::systems::field::{Field, Rank};
use crate::systems::simulation::{Stop, simulation_error};
use crate::systems::system::{Case, Frame, PhysicalParameter, Resolution, System};

/// The system `rayleigh_benard` of The Well.
pub struct RayleighBenardSystem;

impl System for RayleighBenardSystem {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn axes(&self) -> [DomainAxis; 2] {
        let axis = |name: &str, length, boundary, points| DomainAxis {
            name: name.into(),
            start: 0.0,
            length,
            boundary,
            points,
        };
        [
            axis("x", LENGTHS[0], Boundary::Periodic, Points::Uniform),
            axis("y", LENGTHS[1], Boundary::Wall, Points::ChebyshevGauss),
        ]
    }

    fn fields(&self) -> Vec<Field> {
        vec![
            Field::new("buoyancy", Rank::Scalar),
            Field::new("pressure", Rank::Scalar),
            Field::new("velocity", Rank::Vector),
        ]
    }

    fn pictured_channel(&self) -> Option<&'static str> {
        Some("buoyancy")
    }

    fn parameters(&self) -> &'static [PhysicalParameter] {
        &[PhysicalParameter { name: "Rayleigh", aliases: &[] }, PhysicalParameter { name: "Prandtl", aliases: &[] }]
    }

    fn initial_condition(&self) -> &'static [&'static str] {
        &["dT", "seed"]
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
        let (&[rayleigh, prandtl], &[delta, seed]) = (case.parameters.as_slice(), case.initial.as_slice()) else {
            return Err(fail("expected [Rayleigh, Prandtl] and [dT, seed]".into()));
        };
        // Up to here, a double holds every whole number.
        if seed < 0.0 || seed.fract() != 0.0 || seed > 2.0f64.powi(53) || seed.is_nan() {
            return Err(fail(format!("`seed` must be a whole number, 0 or more, but is {seed}")));
        }
        let flow = RayleighBenard { rayleigh, prandtl, delta, seed: seed as u64 };
        simulate(&flow, resolution, frames, dt, |_, frame| {
            on_frame(&Frame { time: frame.time, fields: &[&frame.buoyancy, &frame.pressure, &frame.velocity] })
                .map_err(Stop::Caller)
        })
        .map_err(|stop: Stop| stop.into_error(NAME, case))
    }
}
