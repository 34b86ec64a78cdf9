//! An analytic system with shear flow's name, fields and parameters, and a small suite for it.

use std::f64::consts::TAU;

use physrep_benchmarks::Result;
use physrep_benchmarks::suite::{Suite, Trajectory, trajectories};
use physrep_benchmarks::systems::{
    Boundary, Case, DomainAxis, Field, Frame, PhysicalParameter, Points, Rank, Resolution, System,
};

pub const SUITE: &str = r#"
name = "small-waves"
version = 1
seed = 7
seeds = [0, 1]
window = { context = 2, future = 2, stride = { train = 1, valid = 2, test = 3 } }
pretrain = { samples = 100, batch = 4 }
probe.attentive = { epochs = 2, batch = 4, lr = 1e-3, weight_decay = 0.01 }

[[system]]
name = "shear_flow"
store = [8, 12]
frames = 9
dt = 0.1
parameters = [
    { name = "Reynolds", range = [100, 2000], scale = "log10" },
    { name = "Schmidt", range = [0.1, 2] },
]

[system.generate]
solve = [8, 12]
trajectories = { train = 18, valid = 6, test = 12 }
initial = [{ name = "wave", values = [1, 2, 3] }, { name = "phase", range = [0, 6] }]
"#;

/// Travelling waves.
#[derive(Default)]
pub struct Waves {
    /// The frame from which on the tracer is infinite.
    pub poison: Option<usize>,
    /// Whether the pressure is the same everywhere and at all times.
    pub constant_pressure: bool,
}

impl Waves {
    /// The value of channel `channel` (tracer, pressure, velocity x, velocity y) at a point and time.
    pub fn value(channel: usize, case: &Case, [x, y]: [f64; 2], t: f64) -> f32 {
        let [re, sc] = case.parameters[..] else { panic!("two parameters") };
        let [wave, phase] = case.initial[..] else { panic!("two numbers") };
        let along = (TAU * wave * x + phase - t).sin();
        let across = (TAU * wave * y / 2.0 + phase + t).cos();
        let value = match channel {
            0 => sc * along * across + 0.25,
            1 => 1e-3 * along.powi(2),
            2 => along * re.log10(),
            _ => -3.0 + across / re.log10(),
        };
        value as f32
    }
}

impl System for Waves {
    fn name(&self) -> &'static str {
        "shear_flow"
    }

    fn version(&self) -> u32 {
        1
    }

    fn axes(&self) -> [DomainAxis; 2] {
        let axis = |name: &str, start, length| DomainAxis {
            name: name.into(),
            start,
            length,
            boundary: Boundary::Periodic,
            points: Points::Uniform,
        };
        [axis("x", 0.0, 1.0), axis("y", -1.0, 2.0)]
    }

    fn fields(&self) -> Vec<Field> {
        vec![
            Field::new("tracer", Rank::Scalar),
            Field::new("pressure", Rank::Scalar),
            Field::new("velocity", Rank::Vector),
        ]
    }

    fn parameters(&self) -> &'static [PhysicalParameter] {
        &[
            PhysicalParameter { name: "Reynolds", aliases: &["Rayleigh"] },
            PhysicalParameter { name: "Schmidt", aliases: &[] },
        ]
    }

    fn initial_condition(&self) -> &'static [&'static str] {
        &["wave", "phase"]
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
        let [nx, ny] = resolution.store;
        let [xs, ys] = [0, 1].map(|axis| self.axes()[axis].coordinates([nx, ny][axis]));
        let points = || xs.iter().flat_map(|&x| ys.iter().map(move |&y| [x, y]));
        for frame in 0..frames {
            let time = frame as f64 * dt;
            let scalar = |channel| points().map(|p| Self::value(channel, case, p, time)).collect::<Vec<_>>();
            let mut tracer = scalar(0);
            if self.poison.is_some_and(|from| frame >= from) {
                tracer[3] = f32::INFINITY;
            }
            let velocity: Vec<f32> = points().flat_map(|p| [2, 3].map(|c| Self::value(c, case, p, time))).collect();
            let pressure = if self.constant_pressure { vec![1.5; nx * ny] } else { scalar(1) };
            on_frame(&Frame { time, fields: &[&tracer, &pressure, &velocity] })?;
        }
        Ok(())
    }
}

pub fn suite() -> Suite {
    Suite::parse(SUITE, "test").expect("the test's suite is valid")
}

/// The suite with that many trajectories in each regime of held-out.
pub fn held_out(count: usize) -> Suite {
    let trajectories = format!("held_out = {count} }}\nregimes = {{ gap = 0.3, near = 0.15, far = 0.4 }}");
    let text = SUITE.replacen("test = 12 }", &format!("test = 12, {trajectories}"), 1);
    Suite::parse(&text.replacen("test = 3 }", "test = 3, held_out = 1 }", 1), "test")
        .expect("the test's suite is valid")
}

/// The same suite of the same trajectories, as if they were published.
pub fn published(suite: &Suite) -> Suite {
    let mut published = suite.clone();
    let planned = planned(suite);
    for section in &mut published.systems {
        let scalings = section.scalings();
        for (index, (parameter, scaling)) in section.parameters.iter_mut().zip(scalings).enumerate() {
            parameter.range = None;
            parameter.values = planned.iter().map(|trajectory| trajectory.case.parameters[index]).collect();
            (parameter.mean, parameter.std) = (Some(scaling.mean), Some(scaling.std));
        }
        section.generate = None;
    }
    Suite::parse(&toml::to_string(&published).expect("a suite is plain TOML"), "test").expect("the suite is valid")
}

/// The trajectories of the suite's first system.
pub fn planned(suite: &Suite) -> Vec<Trajectory> {
    let section = &suite.systems[0];
    trajectories(section, section.generate.as_ref().expect("the test's data is generated"), suite.data_seed())
}

/// The suite with one piece of its text replaced.
pub fn suite_with(piece: &str, by: &str) -> Result<Suite> {
    assert!(SUITE.contains(piece), "{piece} is not in the suite");
    Suite::parse(&SUITE.replacen(piece, by, 1), "test")
}
