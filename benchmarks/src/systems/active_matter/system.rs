//! Active matter as one of the suite's systems.

use super::constants::{DIFFUSIVITY, LENGTH, NAME};
use super::parameters::ActiveMatter;
use super::trajectory::simulate;
use crate::Result;
use crate::systems::domain::{Boundary, DomainAxis, Points};
use crate::systems::field::{Field, Rank};
use crate::systems::simulation::{Stop, simulation_error};
use crate::systems::system::{Case, Constant, Frame, PhysicalParameter, Resolution, System};

/// The largest seed that a suite can write: up to here, a double holds every whole number.
const LARGEST_SEED: f64 = 9_007_199_254_740_992.0;

/// The system `active_matter` of The Well.
pub struct ActiveMatterSystem;

impl System for ActiveMatterSystem {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn axes(&self) -> [DomainAxis; 2] {
        self.axes_with(&[])
    }

    fn axes_with(&self, constants: &[f64]) -> [DomainAxis; 2] {
        let length = constants.first().copied().unwrap_or(LENGTH);
        let (start, boundary, points) = (0.0, Boundary::Periodic, Points::Uniform);
        ["x", "y"].map(|name| DomainAxis { name: name.into(), start, length, boundary, points })
    }

    fn fields(&self) -> Vec<Field> {
        vec![
            Field::new("concentration", Rank::Scalar),
            Field::new("velocity", Rank::Vector),
            Field::new("D", Rank::Tensor),
            Field::new("E", Rank::Tensor),
        ]
    }

    fn pictured_channel(&self) -> Option<&'static str> {
        Some("D_xx")
    }

    fn parameters(&self) -> &'static [PhysicalParameter] {
        &[PhysicalParameter { name: "zeta", aliases: &[] }, PhysicalParameter { name: "alpha", aliases: &[] }]
    }

    fn constants(&self) -> &'static [Constant] {
        &[
            Constant { name: "L", default: LENGTH, in_files: true },
            Constant { name: "d_T", default: DIFFUSIVITY, in_files: false },
            Constant { name: "d_R", default: DIFFUSIVITY, in_files: false },
        ]
    }

    fn initial_condition(&self) -> &'static [&'static str] {
        &["seed"]
    }

    fn simulate(
        &self,
        constants: &[f64],
        case: &Case,
        resolution: &Resolution,
        frames: usize,
        dt: f64,
        on_frame: &mut dyn FnMut(&Frame<'_>) -> Result<()>,
    ) -> Result<()> {
        let fail = |reason: String| simulation_error(NAME, case, reason);
        let (&[zeta, alpha], &[seed]) = (case.parameters.as_slice(), case.initial.as_slice()) else {
            return Err(fail("expected [zeta, alpha] and [seed]".into()));
        };
        let &[length, translational_diffusivity, rotational_diffusivity] = constants else {
            return Err(fail(format!("expected the constants [L, d_T, d_R], but they are {constants:?}")));
        };
        if !(0.0..=LARGEST_SEED).contains(&seed) || seed.fract() != 0.0 {
            return Err(fail(format!("`seed` must be a whole number from 0 to 2^53, but is {seed}")));
        }
        let matter = ActiveMatter {
            length,
            rotational_diffusivity,
            translational_diffusivity,
            ..ActiveMatter::new(zeta, alpha)
        };
        simulate(&matter, seed as u64, resolution, frames, dt, |_, frame| {
            let fields: [&[f32]; 4] = [&frame.concentration, &frame.velocity, &frame.orientation, &frame.strain];
            on_frame(&Frame { time: frame.time, fields: &fields }).map_err(Stop::Caller)
        })
        .map_err(|stop: Stop| stop.into_error(NAME, case))
    }
}
