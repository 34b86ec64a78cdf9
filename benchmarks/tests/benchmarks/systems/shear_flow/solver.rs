//! The shear-flow solver against exact solutions, conservation laws and its own scheme's order.

use std::f64::consts::PI;

use physrep_benchmarks::systems::Fourier;
use physrep_benchmarks::systems::SolverError;
use physrep_benchmarks::systems::shear_flow::{Fields, LENGTHS, Perturbation, ShearFlow, Solver};

fn flow(reynolds: f64) -> ShearFlow {
    ShearFlow { reynolds, schmidt: 2.0, n_shear: 2, width: 1.0, perturbation: Perturbation::Blobs(2) }
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn mean(field: &[f64]) -> f64 {
    field.iter().sum::<f64>() / field.len() as f64
}

/// The vortices of Taylor and Green, `psi = amplitude sin(kx x) sin(ky y)`, are steady but for their decay.
#[test]
fn taylor_green_vortices_decay_and_have_the_analytic_pressure() {
    let (grid, reynolds, time) = ([32, 48], 40.0, 0.5);
    let (kx, ky, amplitude) = (4.0 * PI, 3.0 * PI, 0.1);
    let vortices = |amplitude: f64| {
        Fields::sample(grid, |x, y| {
            let (sx, cx) = (kx * x).sin_cos();
            let (sy, cy) = (ky * y).sin_cos();
            ([amplitude * ky * sx * cy, -amplitude * kx * cx * sy], 0.0)
        })
    };
    let mut solver = Solver::from_fields(reynolds, 1.0, grid, &vortices(amplitude)).unwrap();
    solver.advance_to(time).unwrap();
    assert_eq!(solver.time(), time);

    let decayed = amplitude * (-(kx * kx + ky * ky) * time / reynolds).exp();
    assert!(decayed < 0.1 * amplitude, "the test must see decay");
    let (expected, found) = (vortices(decayed), solver.fields());
    for axis in 0..2 {
        let error = largest_difference(&found.velocity[axis], &expected.velocity[axis]);
        assert!(error < 1e-12 * decayed * kx, "velocity along axis {axis} is off by {error:e}");
    }
    let pressure = Fields::sample(grid, |x, y| {
        let (along_x, along_y) = ((2.0 * kx * x).cos(), (2.0 * ky * y).cos());
        ([0.0; 2], decayed * decayed / 4.0 * (ky * ky * along_x + kx * kx * along_y))
    });
    let error = largest_difference(&solver.pressure(), &pressure.tracer);
    assert!(error < 1e-12 * (decayed * kx).powi(2), "pressure is off by {error:e}");
}

/// In a uniform flow a wave of tracer moves with the flow and decays by diffusion; at rest it only decays.
#[test]
fn a_tracer_wave_is_carried_and_diffused_exactly() {
    let (grid, reynolds, schmidt, time) = ([16, 32], 200.0, 0.5, 1.5);
    let (kx, ky) = (4.0 * PI, -2.0 * PI);
    for velocity in [[0.0, 0.0], [0.7, -0.4]] {
        let wave = |amplitude: f64, time: f64| {
            Fields::sample(grid, |x, y| {
                let phase = kx * (x - velocity[0] * time) + ky * (y - velocity[1] * time);
                (velocity, 0.25 + amplitude * phase.sin())
            })
        };
        let mut solver = Solver::from_fields(reynolds, schmidt, grid, &wave(1.0, 0.0)).unwrap();
        for _ in 0..2000 {
            solver.step(time / 2000.0).unwrap();
        }
        let decayed = (-(kx * kx + ky * ky) * time / (reynolds * schmidt)).exp();
        let (expected, found) = (wave(decayed, time), solver.fields());
        let error = largest_difference(&found.tracer, &expected.tracer);
        assert!(error < 1e-10, "carried by {velocity:?}, the tracer is off by {error:e}");
        let error = largest_difference(&found.velocity[0], &expected.velocity[0]);
        assert!(error < 1e-14, "the uniform flow changed by {error:e}");
    }
}

#[test]
fn the_scheme_is_of_fourth_order_in_time() {
    let run = |steps: usize| {
        // Resolved to the last digit, so that the filter has nothing to take away.
        let mut solver = Solver::new(&flow(50.0), [64, 128]).unwrap();
        for _ in 0..steps {
            solver.step(1.0 / steps as f64).unwrap();
        }
        solver.fields()
    };
    let reference = run(800);
    let errors: Vec<[f64; 2]> = [25, 50, 100]
        .into_iter()
        .map(|steps| {
            let fields = run(steps);
            [
                largest_difference(&fields.velocity[1], &reference.velocity[1]),
                largest_difference(&fields.tracer, &reference.tracer),
            ]
        })
        .collect();
    for pair in errors.windows(2) {
        for (coarse, fine) in pair[0].iter().zip(pair[1]) {
            let order = (coarse / fine).log2();
            assert!((order - 4.0).abs() < 0.2, "order {order}; errors {errors:?}");
        }
    }
}

/// `dE/dt = -nu <|grad u|^2>` and `d var(s)/dt = -2 D <|grad s|^2>`, integrated by Simpson's rule.
#[test]
fn energy_and_tracer_variance_decay_by_their_dissipation() {
    let (steps, step) = (400, 0.005);
    let mut solver = Solver::new(&flow(100.0), [96, 192]).unwrap();
    let start = solver.diagnostics();
    let mut lost = [0.0; 2];
    for k in 0..=steps {
        let now = solver.diagnostics();
        let weight = match k {
            0 => 1.0,
            _ if k == steps => 1.0,
            _ if k % 2 == 1 => 4.0,
            _ => 2.0,
        };
        lost[0] += weight * step / 3.0 * now.dissipation;
        lost[1] += weight * step / 3.0 * now.tracer_dissipation;
        if k < steps {
            solver.step(step).unwrap();
        }
    }
    let end = solver.diagnostics();
    assert!(end.energy < 0.98 * start.energy, "the test must see decay");
    let laws = [
        ("energy", start.energy - end.energy, lost[0]),
        ("tracer variance", start.tracer_variance - end.tracer_variance, lost[1]),
    ];
    for (name, loss, dissipated) in laws {
        let error = (loss / dissipated - 1.0).abs();
        assert!(error < 1e-8, "{name} lost {loss}, dissipation accounts for {dissipated}");
    }
}

#[test]
fn means_are_conserved_and_diagnostics_agree_with_the_fields() {
    let flow = ShearFlow { width: 4.0, ..flow(1000.0) };
    let mut solver = Solver::new(&flow, [32, 64]).unwrap();
    let before = solver.fields();
    solver.advance_to(3.0).unwrap();
    let (after, diagnostics) = (solver.fields(), solver.diagnostics());
    let flow_mean = mean(&before.velocity[0]);
    assert!(flow_mean > 0.01, "the test must see a mean flow, not {flow_mean}");
    for (name, before, after, reported) in [
        ("u_x", &before.velocity[0], &after.velocity[0], diagnostics.mean_velocity[0]),
        ("u_y", &before.velocity[1], &after.velocity[1], diagnostics.mean_velocity[1]),
        ("s", &before.tracer, &after.tracer, diagnostics.tracer_mean),
    ] {
        let drift = mean(after) - mean(before);
        assert!(drift.abs() < 1e-15, "the mean of {name} drifted by {drift:e}");
        assert!((mean(after) - reported).abs() < 1e-15);
    }
    let square = |field: &[f64]| field.iter().map(|v| v * v).sum::<f64>() / field.len() as f64;
    let energy = 0.5 * (square(&after.velocity[0]) + square(&after.velocity[1]));
    assert!((diagnostics.energy / energy - 1.0).abs() < 1e-13);
    let variance = square(&after.tracer) - mean(&after.tracer).powi(2);
    assert!((diagnostics.tracer_variance / variance - 1.0).abs() < 1e-12);
    assert!(mean(&solver.pressure()).abs() < 1e-16);
}

#[test]
fn the_velocity_stays_free_of_divergence() {
    let grid = [32, 64];
    let mut solver = Solver::new(&flow(1000.0), grid).unwrap();
    solver.advance_to(4.0).unwrap();
    let velocity = solver.fields().velocity;
    let mut fourier = Fourier::dealiased(grid);
    let [mut u, mut v] = [fourier.zeros(), fourier.zeros()];
    fourier.forward(&velocity[0], &mut u);
    fourier.forward(&velocity[1], &mut v);
    let [kx, ky] = fourier.wavenumbers(LENGTHS);
    let (mut divergence, mut gradient) = (0.0f64, 0.0f64);
    for (i, (u, v)) in u.iter().zip(&v).enumerate() {
        let (kx, ky) = (kx[i % fourier.width()], ky[i / fourier.width()]);
        divergence = divergence.max((u * kx + v * ky).norm());
        gradient = gradient.max((u * ky).norm());
    }
    assert!(divergence < 1e-14 * gradient, "divergence {divergence:e}, shear {gradient:e}");
}

/// Truncated to finitely many modes the advection conserves energy, so that energy can only grow by a step too long.
#[test]
fn the_largest_step_is_stable_where_viscosity_does_not_help() {
    let mut solver = Solver::new(&flow(1e7), [32, 64]).unwrap();
    let start = solver.diagnostics().energy;
    let mut energy = start;
    for k in 1..=20 {
        solver.advance_to(0.5 * f64::from(k)).unwrap();
        let now = solver.diagnostics().energy;
        assert!(now <= energy, "energy grew from {energy} to {now}");
        energy = now;
    }
    assert!(energy > 0.99 * start, "energy fell from {start} to {energy}");
}

#[test]
fn finer_grids_converge_spectrally() {
    let run = |grid: [usize; 2]| {
        // An even number of half waves and thin layers: no kinks where the domain closes.
        let flow = ShearFlow { width: 0.5, ..flow(100.0) };
        let mut solver = Solver::new(&flow, grid).unwrap();
        solver.advance_to(1.0).unwrap();
        let fields = solver.fields();
        // The points that all three grids share.
        let stride = grid[0] / 16;
        let shared = |i: usize| fields.tracer[(i / 32) * stride * grid[1] + (i % 32) * stride];
        (0..16 * 32).map(shared).collect::<Vec<f64>>()
    };
    let finest = run([64, 128]);
    let errors = [[16, 32], [32, 64]].map(|grid| largest_difference(&run(grid), &finest));
    assert!(errors[0] < 0.1 && errors[1] < 1e-3 * errors[0], "errors {errors:?}");
}

#[test]
fn a_solution_that_is_not_finite_is_an_error_with_time_and_parameters() {
    let mut solver = Solver::new(&flow(1e6), [16, 32]).unwrap();
    let error = (0..1000).find_map(|_| solver.step(5.0).err()).expect("the steps are far too long");
    let SolverError::Diverged { time, .. } = error else { panic!("{error}") };
    assert_eq!(time, solver.time());
    let message = error.to_string();
    for part in ["shear_flow", "t = ", "Reynolds 1000000", "Schmidt 2", "n_blobs 2", "16x32"] {
        assert!(message.contains(part), "{message:?} does not name {part:?}");
    }
}

#[test]
fn what_cannot_be_solved_is_refused_with_a_reason() {
    let valid = flow(100.0);
    let mut fields = valid.initial_condition([8, 8]);
    let refused = |flow: ShearFlow, grid: [usize; 2]| Solver::new(&flow, grid).err().unwrap().to_string();
    for (message, expected) in [
        (refused(flow(0.0), [8, 8]), "`reynolds` must be a positive finite number, but is 0"),
        (refused(flow(f64::NAN), [8, 8]), "`reynolds` must be a positive finite number, but is NaN"),
        (refused(ShearFlow { schmidt: -1.0, ..valid }, [8, 8]), "`schmidt` must be"),
        (refused(ShearFlow { width: f64::INFINITY, ..valid }, [8, 8]), "`width` must be"),
        (refused(ShearFlow { n_shear: 3, ..valid }, [8, 8]), "`n_shear` must be positive and even"),
        (refused(ShearFlow { perturbation: Perturbation::Blobs(0), ..valid }, [8, 8]), "`n_blobs` must be at least 1"),
        (refused(valid, [9, 8]), "even number of at least 8 points along x and y, but is 9x8"),
        (refused(valid, [8, 0]), "but is 8x0"),
    ] {
        assert!(message.contains(expected), "{message:?} does not say {expected:?}");
    }
    let refused = |fields: &Fields| Solver::from_fields(1.0, 1.0, [8, 8], fields).err().unwrap().to_string();
    fields.tracer[5] = f64::NAN;
    assert!(refused(&fields).contains("`tracer` must be finite at every grid point, but is NaN"));
    fields.tracer.pop();
    assert!(refused(&fields).contains("the tracer must have 64 values for the grid 8x8, but has 63"));

    let mut solver = Solver::new(&valid, [8, 8]).unwrap();
    solver.advance_to(1.0).unwrap();
    let error = solver.advance_to(0.5).unwrap_err().to_string();
    assert!(error.contains("no earlier than the solver's"), "{error}");
    assert!(solver.step(0.0).is_err());
    assert_eq!(solver.time(), 1.0);
}
