//! Suites: what is accepted, what is refused, and labels.

use physrep_benchmarks::labels::{Scale, Scaling};
use physrep_benchmarks::suite::Suite;

use crate::support::{SUITE, Waves, says, suite, suite_with};

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
        ("seeds = [0, 1]", "seeds = []", "`seeds` must be at least 1"),
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
        ("dt = 0.1", "dt = 0.1\nresize = [0, 4]", "`resize` must be at least 1"),
        ("dt = 0.1", "dt = 0.1\nnoise = -1", "`noise` must be zero or positive"),
        ("[0.1, 1, 2]", "[0.1, 1, 2], held_out = [1]", "occurs twice"),
        ("[0.1, 1, 2]", "[0.1, 1, 2], held_out = [5]", "`trajectories.held_out` belong together"),
        ("test = 2 }", "test = 2, held_out = 1 }", "`trajectories.held_out` belong together"),
        ("store = [8, 12]", "store = [16, 12]", "at most `generate.solve`"),
        ("train = 3", "train = 7", "asks for 10 initial conditions"),
        ("[100, 2000]", "[0, 2000]", "needs positive values"),
        ("[100, 2000]", "[100, 100]", "occurs twice"),
        ("[100, 2000]", "[100]", "needs two `values` at least"),
        ("[100, 2000]", "[100, inf]", "must be finite"),
        ("[0.1, 1, 2]", "[0.1, 1, 2], std = 1.0", "give both `mean` and `std`"),
        ("[0.1, 1, 2]", "[0.1, 1, 2], mean = 1, std = 0", "`std` positive"),
    ] {
        says(suite_with(piece, by), &["suite test", expected]);
    }
}

#[test]
fn a_section_must_fit_its_system() {
    let swapped = suite_with("Schmidt", "Prandtl").unwrap();
    says(swapped.section(&Waves::default()), &["must be Reynolds, Schmidt", "Reynolds, Prandtl"]);
    let other = suite_with("\"shear_flow\"", "\"other_flow\"").unwrap();
    says(other.section(&Waves::default()), &["no system shear_flow", "it has other_flow"]);
    assert!(suite().section(&Waves::default()).is_ok());
}

#[test]
fn predicting_the_mean_scores_one() {
    let tiny = Suite::load("tiny").unwrap();
    for grid in tiny.systems.iter().flat_map(|s| &s.parameters) {
        let scaling = grid.scaling();
        let labels: Vec<f64> = grid.values.iter().map(|&v| scaling.label(v)).collect();
        let n = labels.len() as f64;
        let mean = labels.iter().sum::<f64>() / n;
        let score = labels.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / n;
        assert!(mean.abs() < 1e-12 && (score - 1.0).abs() < 1e-12, "{}: {mean} {score}", grid.name);
        for (label, value) in labels.iter().zip(&grid.values) {
            assert!((scaling.raw(*label) / value - 1.0).abs() < 1e-12);
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
fn a_given_scaling_takes_the_place_of_the_grids() {
    let suite = suite_with("[0.1, 1, 2]", "[0.1, 1, 2], mean = 2.69, std = 3.38").unwrap();
    let label = suite.systems[0].scalings()[1].label(1.0);
    assert!((label - (1.0 - 2.69) / 3.38).abs() < 1e-15);
}
