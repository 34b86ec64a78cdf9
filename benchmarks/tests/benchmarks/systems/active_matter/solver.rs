//! The active-matter solver against its own scheme's order, finer grids, and what it must refuse.

use physrep_benchmarks::systems::SolverError;
use physrep_benchmarks::systems::active_matter::{ActiveMatter, Solver};

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn the_scheme_is_of_fourth_order_in_time() {
    let run = |steps: usize| {
        let mut solver = Solver::new(&ActiveMatter::new(2.0, -2.0), 1, [32, 32]).unwrap();
        for _ in 0..steps {
            solver.step(2.4 / steps as f64).unwrap();
        }
        assert!(solver.diagnostics().order > 0.5, "the test must see nonlinearity: {:?}", solver.diagnostics());
        solver.fields()
    };
    let reference = run(960);
    let errors = [30, 60, 120].map(|steps| largest_difference(&run(steps).order[1], &reference.order[1]));
    for pair in errors.windows(2) {
        let order = (pair[0] / pair[1]).log2();
        assert!((order - 4.0).abs() < 0.4, "order {order}; errors {errors:?}");
    }
}

#[test]
fn finer_grids_converge_spectrally() {
    let run = |n: usize| {
        let mut solver = Solver::new(&ActiveMatter::new(1.0, -1.0), 2, [n, n]).unwrap();
        solver.advance_to(7.0).unwrap();
        let (fields, stride) = (solver.fields(), n / 32);
        let shared = |i: usize| (i / 32) * stride * n + (i % 32) * stride;
        let shared = |field: &[f64]| (0..32 * 32).map(|i| field[shared(i)]).collect::<Vec<f64>>();
        assert!(solver.diagnostics().order > 0.8, "the test must see defects: {:?}", solver.diagnostics());
        (shared(&fields.order[0]), shared(&fields.velocity[0]), solver.diagnostics().order_tail)
    };
    let finest = run(128);
    let [coarse, fine] = [32, 64].map(|n| {
        let (order, velocity, tail) = run(n);
        [largest_difference(&order, &finest.0), largest_difference(&velocity, &finest.1), tail]
    });
    for (name, coarse, fine) in [("order", coarse[0], fine[0]), ("velocity", coarse[1], fine[1])] {
        assert!(coarse < 0.2 && fine < 0.03 * coarse, "{name}: errors {coarse:e} and {fine:e}");
    }
    assert!(fine[2] < 0.05 * coarse[2], "the tail must tell: {:e} and {:e}", coarse[2], fine[2]);
}

#[test]
fn steps_end_exactly_where_they_are_asked_to() {
    let mut solver = Solver::new(&ActiveMatter::new(1.0, -1.0), 0, [32, 32]).unwrap();
    for frame in 1..20 {
        let time = 0.3 * f64::from(frame);
        solver.advance_to(time).unwrap();
        assert_eq!(solver.time(), time);
    }
    let steps = solver.steps();
    solver.advance_to(solver.time()).unwrap();
    assert_eq!(solver.steps(), steps);
}

#[test]
fn diagnostics_agree_with_the_fields() {
    let mut solver = Solver::new(&ActiveMatter::new(1.0, -2.0), 5, [48, 48]).unwrap();
    solver.advance_to(3.0).unwrap();
    let (fields, diagnostics) = (solver.fields(), solver.diagnostics());
    let rms = |pair: &[Vec<f64>; 2]| (pair.iter().flatten().map(|v| v * v).sum::<f64>() / pair[0].len() as f64).sqrt();
    for (name, found, reported) in [
        ("order", rms(&fields.order), diagnostics.order),
        ("speed", rms(&fields.velocity), diagnostics.speed),
        ("strain", rms(&fields.strain) * f64::sqrt(2.0), diagnostics.strain),
    ] {
        assert!((found / reported - 1.0).abs() < 1e-12, "{name}: {found} on the grid, {reported} reported");
    }
    let norms = fields.order[0].iter().zip(&fields.order[1]).map(|(a, b)| a.hypot(*b));
    assert!((norms.fold(0.0, f64::max) - diagnostics.peak_order).abs() < 1e-12);
}

/// The published extremes of both parameters at half the published resolution, until the order is no longer small.
#[test]
fn published_parameters_stay_physical_on_a_coarse_version_of_the_published_grid() {
    let mut solver = Solver::new(&ActiveMatter::new(17.0, -5.0), 0, [128, 128]).unwrap();
    solver.advance_to(0.25).unwrap();
    let diagnostics = solver.diagnostics();
    assert!(diagnostics.order > 0.3, "{diagnostics:?}");
    assert!(diagnostics.peak_order < 1.0, "{diagnostics:?}");
}

#[test]
fn solutions_that_mean_nothing_are_errors_with_time_and_parameters() {
    let mut solver = Solver::new(&ActiveMatter::new(17.0, -5.0), 0, [32, 32]).unwrap();
    let error = solver.advance_to(5.0).unwrap_err();
    assert!(matches!(error, SolverError::Unphysical { .. } | SolverError::Diverged { .. }), "{error}");
    let message = error.to_string();
    for part in ["active_matter", "t = ", "zeta 17", "alpha -5", "seed 0", "32x32", "finer grid"] {
        assert!(message.contains(part), "{message:?} does not name {part:?}");
    }
    let mut solver = Solver::new(&ActiveMatter::new(9.0, -1.0), 0, [32, 32]).unwrap();
    let error = (0..100).find_map(|_| solver.step(5.0).err()).expect("the steps are far too long");
    assert!(matches!(error, SolverError::Unphysical { .. } | SolverError::Diverged { .. }), "{error}");
}

#[test]
fn what_cannot_be_solved_is_refused_with_a_reason() {
    let valid = ActiveMatter::new(1.0, -1.0);
    let refused = |matter: ActiveMatter, grid: [usize; 2]| Solver::new(&matter, 0, grid).err().unwrap().to_string();
    let grid = [16, 16];
    for (message, expected) in [
        (refused(ActiveMatter { zeta: -1.0, ..valid }, grid), "`zeta` must be between 0 and 1000, but is -1"),
        (refused(ActiveMatter { zeta: f64::NAN, ..valid }, grid), "`zeta` must be"),
        (refused(ActiveMatter { alpha: f64::NEG_INFINITY, ..valid }, grid), "`alpha` must be between -1000 and 1000"),
        (refused(ActiveMatter { alpha: f64::NAN, ..valid }, grid), "`alpha` must be"),
        (refused(ActiveMatter { beta: 1e300, ..valid }, grid), "`beta` must be"),
        (
            refused(ActiveMatter { rotational_diffusivity: 0.0, ..valid }, grid),
            "`rotational_diffusivity` must be positive",
        ),
        (
            refused(ActiveMatter { translational_diffusivity: -0.1, ..valid }, grid),
            "`translational_diffusivity` must be",
        ),
        (refused(valid, [17, 16]), "an even number of at least 16 points along x and y, but is 17x16"),
        (refused(valid, [16, 0]), "but is 16x0"),
    ] {
        assert!(message.contains(expected), "{message:?} does not say {expected:?}");
    }
    let refused = |order: [Vec<f64>; 2]| Solver::from_order(&valid, grid, &order).err().unwrap().to_string();
    assert!(refused([vec![0.0; 256], vec![f64::NAN; 256]]).contains("`order` must be finite"));
    assert!(refused([vec![0.0; 255], vec![0.0; 256]]).contains("must have 256 values for the grid 16x16, but has 255"));
    assert!(refused([vec![1.5; 256], vec![0.0; 256]]).contains("orientational order must be at most 1"));

    let mut solver = Solver::new(&valid, 0, grid).unwrap();
    solver.advance_to(0.5).unwrap();
    let error = solver.advance_to(0.2).unwrap_err().to_string();
    assert!(error.contains("no earlier than the solver's"), "{error}");
    assert!(solver.step(0.0).is_err() && solver.step(f64::NAN).is_err());
    assert_eq!(solver.time(), 0.5);
}
