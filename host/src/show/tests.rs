//! Pictures of fields: every rank, on every kind of axis.

use std::fs;

use physrep_benchmarks::{
    Error, Result,
    generate::generate,
    suite::{self, Suite},
    systems::{Boundary, Case, DomainAxis, Field, Frame, PhysicalParameter, Points, Rank, Resolution, System},
};
use physrep_report::contact_sheet::Quantity;
use tempfile::TempDir;

use super::{Show, run, trajectories};

#[path = "../../../tests/end_to_end/support/picture.rs"]
mod picture;
use picture::Picture;

/// Fields of every rank between two walls, in closed form: waves whose number is the parameter.
struct Waves;

impl System for Waves {
    fn name(&self) -> &'static str {
        "waves"
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
        [axis("x", 4.0, Boundary::Periodic, Points::Uniform), axis("y", 1.0, Boundary::Wall, Points::ChebyshevGauss)]
    }

    fn fields(&self) -> Vec<Field> {
        vec![Field::new("height", Rank::Scalar), Field::new("velocity", Rank::Vector), Field::new("D", Rank::Tensor)]
    }

    fn parameters(&self) -> &'static [PhysicalParameter] {
        &[PhysicalParameter { name: "number", aliases: &[] }]
    }

    fn initial_condition(&self) -> &'static [&'static str] {
        &["phase"]
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
        let [x, y] = [0, 1].map(|a| self.axes()[a].coordinates(resolution.store[a]));
        for time in (0..frames).map(|k| k as f64 * dt) {
            // The whole upper half is high, whatever the grid, so that up differs from down.
            let wave = |i: usize| (case.parameters[0] * (x[i] - time) * std::f64::consts::FRAC_PI_2).sin() as f32;
            let points = || (0..nx * ny).map(|p| (wave(p / ny), y[p % ny] as f32));
            let height: Vec<f32> = points().map(|(wave, y)| if y > 0.5 { 1.0 } else { 0.1 * (1.0 + wave) }).collect();
            let velocity: Vec<f32> = points().flat_map(|(wave, y)| [y, wave]).collect();
            let tensor: Vec<f32> = points().flat_map(|(wave, y)| [0.5 + 0.5 * wave, y, y, 0.5 - 0.5 * wave]).collect();
            on_frame(&Frame { time, fields: &[&height, &velocity, &tensor] })?;
        }
        Ok(())
    }
}

fn suite() -> Suite {
    let text = fs::read_to_string("../tests/suites/micro.toml").expect("readable");
    let (head, _) = text.split_once("[[system]]").expect("systems");
    let section = r#"[[system]]
name = "waves"
store = [24, 16]
frames = 40
dt = 0.25
parameters = [{ name = "number", range = [1, 3] }]

[system.generate]
solve = [24, 16]
trajectories = { train = 2, valid = 1, test = 1 }
initial = [{ name = "phase" }]
"#;
    Suite::parse(&format!("{head}{section}"), "waves").expect("a suite")
}

/// The colour of a pixel.
fn at(picture: &Picture, x: usize, y: usize) -> [u8; 3] {
    let at = 3 * (y * picture.width + x);
    [picture.rgb[at], picture.rgb[at + 1], picture.rgb[at + 2]]
}

fn show(folder: &TempDir, out: &str, field: Option<&str>, data: Option<&str>) -> std::result::Result<Picture, String> {
    let out = folder.path().join(out);
    let data = data.map(|data| folder.path().join(data));
    let field = field.map(String::from);
    run(&Show { system: &Waves, suite: suite(), out: out.clone(), data, field, resolution: None })
        .map_err(|e| e.to_string())?;
    Ok(Picture::open(&out))
}

#[test]
fn the_second_axis_is_drawn_upwards_and_to_scale() {
    let folder = TempDir::new().expect("a temporary folder");
    let picture = show(&folder, "height.png", None, None).expect("a picture");
    assert_eq!(picture.width, 1600);
    // The first panel: below its edge, a column through it from the top row of its frame to the bottom one.
    let x = 300;
    let edge = [120; 3];
    let ends: Vec<usize> = (100..picture.height).filter(|&y| at(&picture, x, y) == edge).take(2).collect();
    let (top, bottom) = (ends[0] + 1, ends[1]);
    let yellow = |y: usize| at(&picture, x, y)[0] > 200;
    assert!(yellow(top) && !yellow(bottom - 1), "viridis is yellow where values are high");
    let high = (top..bottom).filter(|&y| yellow(y)).count() as f64 / (bottom - top) as f64;
    // The two points around y = 1/2 are a tenth of the height apart.
    assert!((high - 0.5).abs() < 0.06, "the upper half is high, not {high} of it");
}

#[test]
fn fields_of_every_rank_have_pictures_of_their_own() {
    let folder = TempDir::new().expect("a temporary folder");
    let mut seen = Vec::new();
    for field in ["height", "velocity_x", "velocity_y", "velocity", "vorticity", "D_xx", "D_xy", "D"] {
        let picture = show(&folder, "field.png", Some(field), None).expect(field);
        assert!(!seen.contains(&picture.rgb), "{field} looks like another");
        seen.push(picture.rgb);
    }
    let error = show(&folder, "no.png", Some("salt"), None).err().expect("refused");
    assert!(error.contains("found salt") && error.contains("vorticity"), "{error}");
    assert!(!folder.path().join("no.png").exists());
}

#[test]
fn files_are_drawn_as_the_solver_s_own_fields() {
    let folder = TempDir::new().expect("a temporary folder");
    let (waves, data) = (suite(), folder.path().join("data"));
    let quiet = |_: usize, _: usize, _: &str| std::ops::ControlFlow::Continue(());
    generate(&waves, &Waves, &data, 1, &quiet).expect("generated");
    let rows = trajectories::read(&Waves, &data, &Quantity::of(&Waves, None).expect("a field"), 5).expect("files").rows;
    let (section, generation) = waves.generation(&Waves).expect("generated data");
    let mut drawn: Vec<f64> = suite::trajectories(section, generation, waves.data_seed())
        .into_iter()
        .map(|trajectory| trajectory.case.parameters[0])
        .collect();
    drawn.sort_by(f64::total_cmp);
    assert_eq!((rows.len(), drawn.len()), (3, 4), "the lowest, a middle one and the highest of four");
    for (row, among) in rows.iter().zip([&drawn[..1], &drawn[1..3], &drawn[3..]]) {
        // Files hold parameters in single precision; the phase has no effect.
        let near = |number: &&f64| (*number - row.parameters[0]).abs() < 1e-6;
        let number = *among.iter().find(near).unwrap_or_else(|| panic!("{} is none of {among:?}", row.parameters[0]));
        let case = Case { parameters: vec![number], initial: vec![0.0] };
        let mut frames = row.times.iter().zip(&row.frames).peekable();
        let mut compare = |frame: &Frame<'_>| {
            if let Some((_, read)) = frames.next_if(|(time, _)| **time == frame.time) {
                assert!(read == frame.fields[0], "number {number} at time {}", frame.time);
            }
            Ok(())
        };
        let resolution = section.resolution(generation);
        Waves.simulate(&[], &case, &resolution, section.frames, section.dt, &mut compare).expect("solved");
        assert_eq!((row.frames.len(), frames.len()), (5, 0), "each frame was compared");
    }

    let (read, solved) = (show(&folder, "read.png", None, Some("data")), show(&folder, "solved.png", None, None));
    let (read, solved) = (read.expect("a picture"), solved.expect("a picture"));
    assert_eq!((read.width, read.height), (solved.width, solved.height));
    let error = show(&folder, "no.png", None, Some("elsewhere")).err().expect("refused");
    assert!(error.contains("elsewhere/waves/data"), "{error}");
}

#[test]
fn a_solver_that_fails_leaves_no_picture() {
    struct Broken;
    impl System for Broken {
        fn name(&self) -> &'static str {
            "waves"
        }
        fn version(&self) -> u32 {
            1
        }
        fn axes(&self) -> [DomainAxis; 2] {
            Waves.axes()
        }
        fn fields(&self) -> Vec<Field> {
            Waves.fields()
        }
        fn parameters(&self) -> &'static [PhysicalParameter] {
            Waves.parameters()
        }
        fn initial_condition(&self) -> &'static [&'static str] {
            Waves.initial_condition()
        }
        fn simulate(
            &self,
            _: &[f64],
            _: &Case,
            _: &Resolution,
            _: usize,
            _: f64,
            _: &mut dyn FnMut(&Frame<'_>) -> Result<()>,
        ) -> Result<()> {
            Err(Error::Simulation { system: "waves".into(), case: "any".into(), reason: "it broke".into() })
        }
    }
    let folder = TempDir::new().expect("a temporary folder");
    let out = folder.path().join("no.png");
    let show = Show { system: &Broken, suite: suite(), out: out.clone(), data: None, field: None, resolution: None };
    assert!(run(&show).expect_err("refused").to_string().contains("it broke"));
    assert!(!out.exists());
}
