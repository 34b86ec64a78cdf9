//! `data show`: pictures of every kind of field, on every kind of axis, the same each time.

mod bench;

use std::{fs, path::Path};

use bench::{Bench, fixture};
use physrep_bench::show::{Show, run};
use physrep_benchmarks::{generate::generate, suite::Suite, systems::{Boundary, Case, DomainAxis, Field, Frame, PhysicalParameter, Points, Rank, Resolution, System}, Error, Result};

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
            // The whole upper half is high, whatever the grid: what lies up is told from what lies down.
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
    let text = fs::read_to_string(fixture("suites/micro.toml")).expect("readable");
    let (head, _) = text.split_once("[[system]]").expect("systems");
    let section = r#"[[system]]
name = "waves"
store = [24, 16]
frames = 40
dt = 0.25
parameters = [{ name = "number", values = [1, 2, 3] }]

[system.generate]
solve = [24, 16]
trajectories = { train = 2, valid = 1, test = 1 }
initial = [{ name = "phase", values = [0, 1, 2, 3] }]
"#;
    Suite::parse(&format!("{head}{section}"), "waves").expect("a suite")
}

struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Picture {
    fn open(path: &Path) -> Self {
        let mut reader = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).expect("there")))
            .read_info()
            .expect("a PNG");
        let mut rgb = vec![0; reader.output_buffer_size().expect("small")];
        let info = reader.next_frame(&mut rgb).expect("an image");
        assert_eq!(info.color_type, png::ColorType::Rgb);
        Self { width: info.width as usize, height: info.height as usize, rgb }
    }

    fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let at = 3 * (y * self.width + x);
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }
}

fn show(bench: &Bench, out: &str, field: Option<&str>, data: Option<&str>) -> std::result::Result<Picture, String> {
    let out = bench.path(out);
    let data = data.map(|folder| bench.path(folder));
    let field = field.map(String::from);
    run(&Show { system: &Waves, suite: suite(), out: out.clone(), data, field, resolution: None })
        .map_err(|e| e.to_string())?;
    Ok(Picture::open(&out))
}

#[test]
fn what_lies_up_is_drawn_up_at_its_true_height() {
    let bench = Bench::new();
    let picture = show(&bench, "height.png", None, None).expect("a picture");
    assert_eq!(picture.width, 1600);
    // The first panel: below its edge, a column through it from the top row of its frame to the bottom one.
    let x = 300;
    let edge = [120; 3];
    let ends: Vec<usize> = (100..picture.height).filter(|&y| picture.at(x, y) == edge).take(2).collect();
    let (top, bottom) = (ends[0] + 1, ends[1]);
    let yellow = |y: usize| picture.at(x, y)[0] > 200;
    assert!(yellow(top) && !yellow(bottom - 1), "viridis is yellow where values are high");
    let high = (top..bottom).filter(|&y| yellow(y)).count() as f64 / (bottom - top) as f64;
    // Between the two points around y = 1/2 lies a tenth of the height.
    assert!((high - 0.5).abs() < 0.06, "the upper half is high, not {high} of it");
}

#[test]
fn every_rank_is_shown_and_told_apart() {
    let bench = Bench::new();
    let mut seen = Vec::new();
    for field in ["height", "velocity_x", "velocity_y", "velocity", "vorticity", "D_xx", "D_xy", "D"] {
        let picture = show(&bench, "field.png", Some(field), None).expect(field);
        assert!(!seen.contains(&picture.rgb), "{field} looks like another");
        seen.push(picture.rgb);
    }
    let error = show(&bench, "no.png", Some("salt"), None).err().expect("refused");
    assert!(error.contains("waves has no field salt") && error.contains("vorticity"), "{error}");
    assert!(!bench.path("no.png").exists());
}

#[test]
fn files_are_shown_as_what_was_solved() {
    let bench = Bench::new();
    let quiet = |_: usize, _: usize, _: &str| std::ops::ControlFlow::Continue(());
    generate(&suite(), &Waves, &bench.path("data"), 1, &quiet).expect("generated");
    let (read, solved) = (show(&bench, "read.png", None, Some("data")), show(&bench, "solved.png", None, None));
    let (read, solved) = (read.expect("a picture"), solved.expect("a picture"));
    assert_eq!((read.width, read.height), (solved.width, solved.height));
    // Only the line that says where the films come from differs: the phase is of no effect.
    let below = 3 * read.width * 100;
    assert!(read.rgb[below..] == solved.rgb[below..] && read.rgb != solved.rgb);

    let error = show(&bench, "no.png", None, Some("elsewhere")).err().expect("refused");
    assert!(error.contains("elsewhere/waves/data"), "{error}");
}

#[test]
fn the_program_draws_the_same_bytes_on_any_number_of_threads() {
    let bench = Bench::new();
    let micro = fixture("suites/micro.toml").display().to_string();
    let draw = |out: &str, threads: &str, more: &[&str]| {
        let arguments = ["data", "show", "shear_flow", "--suite", &micro, "--out", out];
        let mut command = bench.command(arguments.iter().chain(more));
        command.env("RAYON_NUM_THREADS", threads).output().expect("the program runs")
    };
    for (out, threads) in [("one.png", "1"), ("two.png", "2")] {
        let said = bench::Said::from(draw(out, threads, &[])).ended_with(0);
        assert!(said.err.contains(out), "{}", said.err);
    }
    assert!(fs::read(bench.path("one.png")).expect("there") == fs::read(bench.path("two.png")).expect("there"));
    bench::Said::from(draw("fine.png", "2", &["--resolution", "24x48", "--field", "vorticity"])).ended_with(0);
    assert_ne!(Picture::open(&bench.path("fine.png")).rgb, Picture::open(&bench.path("one.png")).rgb);
    for wrong in ["24", "24x", "0x9", "24x48x2", "99999x3"] {
        let said = bench::Said::from(draw("no.png", "1", &["--resolution", wrong])).ended_with(2);
        assert!(said.err.contains("128x256"), "{}", said.err);
    }
    assert!(!bench.path("no.png").exists());
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
    let bench = Bench::new();
    let out = bench.path("no.png");
    let show = Show { system: &Broken, suite: suite(), out: out.clone(), data: None, field: None, resolution: None };
    assert!(run(&show).expect_err("refused").to_string().contains("it broke"));
    assert!(!out.exists());
}
