//! Suites: what is accepted, what is refused, and labels.

use physrep_benchmarks::label_scale::{Scale, Scaling};
use physrep_benchmarks::suite::{Suite, trajectories};

use crate::support::{SUITE, Waves, held_out, says, suite, suite_with};

#[test]
fn every_embedded_suite_is_valid_and_has_its_name() {
    assert!(Suite::names().any(|name| name == "tiny"));
    for name in Suite::names() {
        assert_eq!(Suite::load(name).unwrap().name, name);
    }
}

#[test]
fn a_suite_is_read_from_a_file_and_survives_a_round_trip() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, SUITE).unwrap();
    let loaded = Suite::load(path.to_str().unwrap()).unwrap();
    assert_eq!(loaded, suite());
    assert_eq!(Suite::parse(&toml::to_string(&loaded).unwrap(), "again").unwrap(), loaded);
}

#[test]
fn a_suite_that_does_not_exist_is_refused_with_the_ones_that_do() {
    says(Suite::load("tiniest"), &["tiniest", "tiny", ".toml"]);
    says(Suite::load("./no-such.toml"), &["read", "no-such.toml"]);
}

#[test]
fn settings_that_cannot_be_run_are_refused() {
    for (piece, by, expected) in [
        ("version = 1", "version = 0", "version must be at least 1"),
        ("version = 1", "version = 1\nspeed = 3", "line 4: unknown field `speed`"),
        (
            "seeds = [0, 1]",
            "seeds = [0, 1]\ntuning.jepa = { trials = 0, record = \"jepa.json\" }",
            "tuning.jepa.trials must be at least 1",
        ),
        (
            "seeds = [0, 1]",
            "seeds = [0, 1]\ntuning.jepa = { trials = 16, record = \"jepa\" }",
            "a .json file, but is \"jepa\"",
        ),
        ("seeds = [0, 1]", "seeds = []", "`seeds` must be from 1 to 10000, but is 0"),
        ("seeds = [0, 1]", "seeds = [1, 1]", "1 occurs twice"),
        ("small-waves", "../waves", "../waves"),
        ("train = 1,", "train = 0,", "stride.train of windows must be at least 1"),
        ("lr = 1e-3", "lr = -1.0", "probe.attentive.lr"),
        ("frames = 9", "frames = 3", "context + window.future = 4"),
        ("frames = 9", "frames = 9\nfirst = 6", "from the `first` frame 6 on, but is 9"),
        ("dt = 0.1", "dt = 0", "`dt` must be positive"),
        ("solve = [8, 12]", "solve = [8, 12]\ngzip = 10", "level from 1 to 9"),
        ("dt = 0.1", "dt = 0.1\ncrop = [[0, 9], [0, 4]]", "keep points of the grid [8, 12]"),
        ("dt = 0.1", "dt = 0.1\ncrop = [[3, 3], [0, 4]]", "keep points of the grid [8, 12]"),
        ("dt = 0.1", "dt = 0.1\nresize = [0, 4]", "`resize` must be from 1 to 8192"),
        ("dt = 0.1", "dt = 0.1\nresize = [4, 100000000]", "`resize` must be from 1 to 8192"),
        ("dt = 0.1", "dt = 1e9", "`dt` must be at most 1000, but is 1000000000"),
        ("frames = 9", "frames = 9223372036854775807", "`frames` must be from 1 to 100000"),
        ("solve = [8, 12]", "solve = [100000000, 100000000]", "`generate.solve` must be from 1 to 8192"),
        ("train = 18", "train = 100000000", "trajectories.train must be from 1 to 1000000"),
        ("[0.1, 2]", "[0.1, 1e300]", "at most 1e30 in size"),
        ("dt = 0.1", "dt = 0.1\nnoise = -1", "`noise` must be zero or positive"),
        ("store = [8, 12]", "store = [16, 12]", "at most `generate.solve`"),
        ("train = 18", "train = 0", "trajectories.train must be at least 1"),
        ("test = 12 }", "test = 12, held_out = 1 }", "belong together, but there are no regimes and 1"),
        ("test = 12 }", "test = 12 }\nregimes = { gap = 0.3, near = 0.1, far = 0.2 }", "some regimes and 0"),
        (
            "test = 12 }",
            "test = 12, held_out = 1 }\nregimes = { gap = 0.3, near = 0.1, far = 0.2 }",
            "stride.held_out of windows must be at least 1",
        ),
        ("range = [100, 2000]", "values = [100, 2000]", "needs a `range = [low, high]`, because its data is generated"),
        ("[100, 2000]", "[100, 2000], values = [100]", "`range`, published data has `values`; give one of them"),
        ("[100, 2000]", "[0, 2000]", "needs positive values"),
        ("[100, 2000]", "[100, 100]", "occurs twice"),
        ("[100, 2000]", "[2000, 100]", "`range` must rise, but is [2000, 100]"),
        ("[100, 2000]", "[100, inf]", "must be finite"),
        ("[100, 2000]", "[100]", "line 16: "),
        ("[0.1, 2]", "[0.1, 2], std = 1.0", "give both `mean` and `std`"),
        ("[0.1, 2]", "[0.1, 2], mean = 1, std = 0", "`std` positive"),
        ("[0, 6]", "[6, 0]", "initial phase: `range` must be finite and rise"),
        ("[0, 6]", "[0, nan]", "initial phase: `range` must be finite and rise"),
        ("[0, 6]", "[0, 6], values = [1]", "initial phase: give `values` or a `range`, or neither"),
        ("[1, 2, 3]", "[1, 2, 1]", "initial wave: `values` must differ from each other, but \"1\" occurs twice"),
    ] {
        says(suite_with(piece, by), &["suite test", expected]);
    }
    for regimes in
        ["gap = 0, near = 0.1, far = 0.2", "gap = 1, near = 0.1, far = 0.2", "gap = 0.3, near = 0, far = 0.2"]
            .into_iter()
            .chain(["gap = 0.3, near = 0.2, far = 0.2", "gap = 0.3, near = 0.2, far = inf"])
    {
        let by = format!("test = 12, held_out = 1 }}\nregimes = {{ {regimes} }}");
        says(suite_with("test = 12 }", &by), &["suite test", "`regimes` need a `gap` between 0 and 1"]);
    }
}

#[test]
fn published_parameters_have_values_and_no_range() {
    let published = |reynolds: &str| {
        let text = SUITE.split_once("[system.generate]").unwrap().0;
        let text = text.replace("range = [0.1, 2]", "values = [0.1, 1, 2]").replace("range = [100, 2000]", reynolds);
        Suite::parse(&text, "test")
    };
    assert!(published("values = [100, 2000]").is_ok());
    says(published("range = [100, 2000]"), &["needs `values` and no `range`, because its data is published"]);
    says(published("values = []"), &["number of `values` must be at least 1"]);
    says(published("values = [100, 100]"), &["occurs twice"]);
    says(published("values = [0, 100]"), &["needs positive values"]);
    says(published("values = [100]"), &["needs two `values` at least"]);
}

#[test]
fn a_draw_changes_the_seed_of_the_data_and_nothing_else() {
    let suite = suite();
    assert_eq!((suite.draw, suite.data_seed()), (0, 7));
    let drawn = suite_with("seed = 7", "seed = 7\ndraw = 3").unwrap();
    assert_eq!(Suite { draw: 0, ..drawn.clone() }, suite);
    assert_eq!(Suite::parse(&toml::to_string(&drawn).unwrap(), "again").unwrap(), drawn);
    let seeds = [1, 2, 3].map(|draw| Suite { draw, ..suite.clone() }.data_seed());
    assert!(seeds[0] != seeds[1] && seeds[1] != seeds[2] && !seeds.contains(&7), "{seeds:?}");
    assert!(!toml::to_string(&suite).unwrap().contains("draw"), "the addresses of results do not know the first draw");
}

#[test]
fn a_section_must_fit_its_system() {
    let swapped = suite_with("Schmidt", "Prandtl").unwrap();
    says(swapped.section(&Waves::default()), &["must be Reynolds, Schmidt", "Reynolds, Prandtl"]);
    let other = suite_with("\"shear_flow\"", "\"other_flow\"").unwrap();
    says(other.section(&Waves::default()), &["no system shear_flow", "it has other_flow"]);
    assert!(suite().section(&Waves::default()).is_ok());
}

/// The mean and the mean square of numbers.
fn moments(numbers: &[f64]) -> [f64; 2] {
    let n = numbers.len() as f64;
    [numbers.iter().sum::<f64>() / n, numbers.iter().map(|x| x * x).sum::<f64>() / n]
}

#[test]
fn the_first_suite_has_the_methods_of_tiny() {
    let [first, tiny] = ["first", "tiny"].map(|name| Suite::load(name).unwrap());
    assert_eq!(first.methods, tiny.methods);
}

/// Over the distribution of train, and nearly so over the trajectories that it has.
#[test]
fn predicting_zero_scores_one() {
    for suite in ["first", "tiny", "small"].map(|name| Suite::load(name).unwrap()) {
        for section in &suite.systems {
            let mut generation = section.generate.clone().unwrap();
            let few = generation.trajectories.train;
            for (count, near) in [(few, if few < 100 { 0.1 } else { 0.05 }), (20_000, 0.002)] {
                generation.trajectories.train = count;
                let all = trajectories(section, &generation, suite.data_seed());
                for (index, scaling) in section.scalings().iter().enumerate() {
                    let raw = || all[..count].iter().map(|trajectory| trajectory.case.parameters[index]);
                    let labels: Vec<f64> = raw().map(|raw| scaling.label(raw)).collect();
                    let [mean, score] = moments(&labels);
                    let at = format!("{} {} {}, {count}", suite.name, section.name, scaling.name);
                    assert!(mean.abs() < near && (score - 1.0).abs() < near, "{at}: {mean} {score}");
                    for (label, raw) in labels.iter().zip(raw()) {
                        assert!((scaling.raw(*label) / raw - 1.0).abs() < 1e-12);
                    }
                }
            }
        }
    }
}

/// The variance of a box without the gap in its middle, as the sum over a fine grid, for one to three parameters.
#[test]
fn the_scaling_of_generated_data_is_that_of_its_distribution() {
    const CELLS: usize = 60;
    let mut section = held_out(1).systems[0].clone();
    section.parameters[1].range = Some([-3.0, 5.0]);
    section.parameters.push(section.parameters[1].clone());
    let place = |cell: usize| (cell as f64 + 0.5) / CELLS as f64;
    let in_gap = |place: f64| (place - 0.5).abs() < 0.15;
    for parameters in 1..=3 {
        let mut section = section.clone();
        section.parameters.truncate(parameters);
        let [mut count, mut squares] = [0.0, 0.0];
        for point in 0..CELLS.pow(parameters as u32) {
            let places: Vec<f64> = (0..parameters).map(|p| place(point / CELLS.pow(p as u32) % CELLS)).collect();
            if !places.iter().all(|&place| in_gap(place)) {
                count += 1.0;
                squares += (places[0] - 0.5).powi(2);
            }
        }
        let std = (squares / count + 1.0 / 12.0 / (CELLS * CELLS) as f64).sqrt();
        for scaling in section.scalings() {
            let (middle, width) =
                if scaling.name == "Reynolds" { (2e5f64.log10() / 2.0, 20f64.log10()) } else { (1.0, 8.0) };
            assert!((scaling.mean - middle).abs() < 1e-12, "{scaling:?}");
            assert!((scaling.std / (width * std) - 1.0).abs() < 1e-9, "{scaling:?}, {parameters} parameters: {std}");
        }
    }
}

#[test]
fn the_scaling_of_published_data_is_that_of_its_values() {
    let mut paper = Suite::load("paper").unwrap();
    for section in &mut paper.systems {
        for (parameter, scaling) in section.parameters.iter().zip(section.scalings()) {
            assert_eq!((parameter.mean, parameter.std), (Some(scaling.mean), Some(scaling.std)));
        }
        section.parameters.iter_mut().for_each(|parameter| (parameter.mean, parameter.std) = (None, None));
        for (parameter, scaling) in section.parameters.iter().zip(section.scalings()) {
            assert_eq!(scaling, Scaling::over(&parameter.name, parameter.scale, &parameter.values));
            let labels: Vec<f64> = parameter.values.iter().map(|&value| scaling.label(value)).collect();
            let [mean, score] = moments(&labels);
            assert!(mean.abs() < 1e-12 && (score - 1.0).abs() < 1e-12, "{}: {mean} {score}", parameter.name);
        }
    }
}

#[test]
fn the_papers_label_constants_are_those_of_the_wells_grids() {
    let re = Scaling::over("Reynolds", Scale::Log10, &[1e4, 5e4, 1e5, 5e5]);
    let sc = Scaling::over("Schmidt", Scale::Linear, &[0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]);
    for (found, published) in [(re.mean, 4.85), (re.std, 0.61), (sc.mean, 2.69), (sc.std, 3.38)] {
        assert!((found - published).abs() < 6e-3, "{found} {published}");
    }
}

#[test]
fn a_given_scaling_takes_the_place_of_the_distributions() {
    let suite = suite_with("[0.1, 2]", "[0.1, 2], mean = 2.69, std = 3.38").unwrap();
    let label = suite.systems[0].scalings()[1].label(1.0);
    assert!((label - (1.0 - 2.69) / 3.38).abs() < 1e-15);
}
