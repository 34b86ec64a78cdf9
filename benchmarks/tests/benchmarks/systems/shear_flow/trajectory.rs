//! The frames of a shear-flow trajectory: the published initial condition, a published frame, truncation, determinism.

use std::f64::consts::TAU;

use physrep_benchmarks::systems::Fourier;
use physrep_benchmarks::systems::Resolution;
use physrep_benchmarks::systems::SolverError;
use physrep_benchmarks::systems::shear_flow::{Perturbation, ShearFlow, Solver, StoredFrame, simulate};
use rayon::prelude::*;

fn flow(n_shear: usize, n_blobs: usize, width: f64) -> ShearFlow {
    ShearFlow { reynolds: 500.0, schmidt: 1.0, n_shear, width, perturbation: Perturbation::Blobs(n_blobs) }
}

fn same(grid: [usize; 2]) -> Resolution {
    Resolution { solve: grid, store: grid }
}

fn frames(flow: &ShearFlow, resolution: &Resolution, count: usize, dt: f64) -> Vec<StoredFrame> {
    let mut frames = Vec::new();
    simulate::<SolverError>(flow, resolution, count, dt, |index, frame| {
        assert_eq!(index, frames.len());
        frames.push(frame.clone());
        Ok(())
    })
    .unwrap();
    frames
}

fn range(values: impl Iterator<Item = f32>) -> [f64; 2] {
    values.fold([f64::MAX, f64::MIN], |[low, high], value| [low.min(value.into()), high.max(value.into())])
}

fn mean_and_deviation(values: &[f64]) -> [f64; 2] {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
    [mean, variance.sqrt()]
}

#[test]
fn blobs_have_the_statistics_of_the_published_initial_condition() {
    // n_shear, width; of u_x: least, largest, mean, deviation; of u_y: deviation.
    let table = [
        (2, 0.25, [-0.5, 0.5, 0.0, 0.4873], 0.0125),
        (2, 0.5, [-0.5, 0.5, 0.0, 0.4743], 0.0177),
        (2, 1.0, [-0.4999, 0.5, 0.0, 0.4472], 0.0250),
        (2, 2.0, [-0.4866, 0.4933, 0.0007, 0.3882], 0.0354),
        (2, 4.0, [-0.3483, 0.4247, 0.0157, 0.2676], 0.0488),
        (4, 0.5, [-0.5, 0.5, 0.0, 0.4743], 0.0177),
        (4, 1.0, [-0.4999, 0.5, 0.0, 0.4472], 0.0250),
        (4, 2.0, [-0.4866, 0.4933, 0.0003, 0.3878], 0.0354),
        (4, 4.0, [-0.3488, 0.4247, 0.0078, 0.2599], 0.0483),
    ];
    for (i, (n_shear, width, expected, deviation_y)) in table.into_iter().enumerate() {
        let flow = flow(n_shear, 2 + i % 4, width);
        let fields = flow.initial_condition([256, 512]);
        let [u, v] = &fields.velocity;
        let [low, high] = [f64::min, f64::max].map(|of| u.iter().copied().reduce(of).unwrap());
        let [mean, deviation] = mean_and_deviation(u);
        for (found, expected) in [low, high, mean, deviation].into_iter().zip(expected) {
            // Published files are smoothed a little at the kinks of the widest layers.
            assert!((found - expected).abs() < 2e-3, "{flow}: u_x {found}, not {expected}");
        }
        assert!((mean - expected[2]).abs() < 1e-4 && (deviation - expected[3]).abs() < 1e-4, "{flow}");
        let [mean, deviation] = mean_and_deviation(v);
        assert!(mean.abs() < 1e-6 && (deviation - deviation_y).abs() < 1e-4, "{flow}: u_y {mean} {deviation}");
        assert_eq!(*u, fields.tracer, "{flow}: the tracer is u_x");
    }
}

fn random(n_shear: usize, seed: u64) -> ShearFlow {
    ShearFlow { reynolds: 500.0, schmidt: 1.0, n_shear, width: 1.5, perturbation: Perturbation::Random(seed) }
}

/// The divergence of the stored velocity relative to its gradient, in spectral space.
fn divergence(frame: &StoredFrame, grid: [usize; 2]) -> f64 {
    let mut fourier = Fourier::truncated(grid, [usize::MAX; 2]);
    let spectra = [0, 1].map(|axis| {
        let field: Vec<f64> = frame.velocity.iter().skip(axis).step_by(2).map(|&v| f64::from(v)).collect();
        let mut spectrum = fourier.zeros();
        fourier.forward(&field, &mut spectrum);
        spectrum
    });
    let width = fourier.width();
    let (mut divergence, mut gradient) = (0.0, 0.0);
    for (index, (u, v)) in spectra[0].iter().zip(&spectra[1]).enumerate() {
        let m = index % width;
        let kx = TAU * if 2 * m > width { m as f64 - width as f64 } else { m as f64 };
        let ky = 0.5 * TAU * (index / width) as f64;
        divergence += (u * kx + v * ky).norm_sqr();
        gradient += (kx * kx + ky * ky) * (u.norm_sqr() + v.norm_sqr());
    }
    (divergence / gradient).sqrt()
}

#[test]
fn every_frame_is_free_of_divergence_the_first_included() {
    let grid = [48, 96];
    for flow in [random(2, 5), random(4, 6), flow(4, 3, 1.0)] {
        for (index, frame) in frames(&flow, &same(grid), 3, 0.2).iter().enumerate() {
            let found = divergence(frame, grid);
            assert!(found < 1e-5, "{flow}, frame {index}: {found}");
        }
    }
}

/// A stream function is free of divergence: projection changes a random velocity by what the grid cannot hold only.
#[test]
fn a_random_velocity_is_periodic_and_free_of_divergence_as_it_is_prescribed() {
    let grid = [96, 192];
    for seed in 0..20 {
        let flow = random(2 + 2 * (seed % 2) as usize, seed);
        let prescribed = flow.initial_condition(grid);
        let projected = Solver::new(&flow, grid).unwrap().fields();
        for axis in 0..2 {
            let differences = prescribed.velocity[axis].iter().zip(&projected.velocity[axis]);
            let largest = differences.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(largest < 1e-3, "{flow}, axis {axis}: {largest}");
        }
    }
}

#[test]
fn random_perturbations_have_the_stated_strength() {
    let mut squares = 0.0;
    for seed in 0..200 {
        // At the places of the layers, as drawn: where the squares of the velocity across, averaged over x, are largest.
        let fields = random(2, seed).initial_condition([16, 96]);
        let mean_square = |y: usize| (0..16).map(|x| fields.velocity[1][x * 96 + y].powi(2)).sum::<f64>() / 16.0;
        squares += (0..96).map(mean_square).fold(0.0, f64::max) / 200.0;
    }
    // The larger of the two layers' mean squares, each 0.15^2 / 8 times a chi-squared variable of eight degrees of freedom.
    let strength = squares.sqrt();
    assert!((0.14..0.19).contains(&strength), "{strength}");
}

/// The extremes of frame 10 (`t = 1`) of the first validation trajectory of The Well's file for Reynolds 1e4, Schmidt 0.1.
/// Its frame 0 shows two layers of width 4. Files do not say `n_blobs`; the pressure of frame 10 does.
#[test]
fn a_published_frame_is_reproduced() {
    let (pressure, tracer) = ([-0.00735, 0.00694], [-0.3458, 0.4129]);
    for n_blobs in 2..=5 {
        let flow = ShearFlow { reynolds: 1e4, schmidt: 0.1, ..flow(2, n_blobs, 4.0) };
        let frame = &frames(&flow, &same([96, 192]), 2, 1.0)[1];
        let found = range(frame.pressure.iter().copied());
        let matches = (0..2).all(|end| (found[end] / pressure[end] - 1.0).abs() < 5e-3);
        assert_eq!(matches, n_blobs == 5, "n_blobs {n_blobs}: pressure {found:?}, published {pressure:?}");
        if matches {
            let found = range(frame.tracer.iter().copied());
            for end in 0..2 {
                assert!((found[end] - tracer[end]).abs() < 1e-4, "tracer {found:?}, published {tracer:?}");
            }
        }
    }
}

#[test]
fn frames_are_truncated_to_the_stored_grid() {
    let (solve, store) = ([48, 96], [32, 64]);
    let flow = flow(4, 3, 0.5);
    let fine = frames(&flow, &same(solve), 3, 0.4);
    let coarse = frames(&flow, &Resolution { solve, store }, 3, 0.4);
    let (mut from, mut to) = (Fourier::dealiased(solve), Fourier::truncated(store, [usize::MAX; 2]));
    let mut low_modes = |values: &[f32]| {
        let field: Vec<f64> = values.iter().copied().map(f64::from).collect();
        let (mut all, mut low) = (from.zeros(), to.zeros());
        from.forward(&field, &mut all);
        to.restrict(&from, &all, &mut low);
        let mut sampled = vec![0.0; store[0] * store[1]];
        to.inverse(&low, &mut sampled);
        sampled
    };
    for (fine, coarse) in fine.iter().zip(&coarse) {
        assert_eq!(fine.time, coarse.time);
        for (fine, coarse) in [(&fine.tracer, &coarse.tracer), (&fine.pressure, &coarse.pressure)] {
            for (expected, found) in low_modes(fine).iter().zip(coarse) {
                assert!((expected - f64::from(*found)).abs() < 1e-6);
            }
        }
        assert_eq!(coarse.velocity.len(), 2 * store[0] * store[1]);
    }
}

#[test]
fn velocity_is_interleaved_and_frames_fall_on_their_times() {
    let trajectory = frames(&flow(2, 3, 1.0), &same([32, 64]), 4, 0.3);
    let times: Vec<f64> = trajectory.iter().map(|frame| frame.time).collect();
    assert_eq!(times, [0.0, 0.3, 0.6, 3.0 * 0.3]);
    // u_x is near -1/2 at y = 0 and 1/2 at y = -1 while the layers are thin; u_y is small there.
    for frame in &trajectory {
        let at = |x: usize, y: usize| &frame.velocity[2 * (x * 64 + y)..][..2];
        assert!(at(5, 32)[0] < -0.4 && at(5, 0)[0] > 0.4, "{:?} {:?}", at(5, 32), at(5, 0));
        assert!(at(5, 32)[1].abs() < 0.1);
    }
}

#[test]
fn trajectories_are_the_same_bytes_on_one_thread_and_on_two() {
    let flows: Vec<ShearFlow> = (2..=5).map(|n_blobs| flow(2, n_blobs, 0.5)).collect();
    let resolution = Resolution { solve: [48, 96], store: [32, 64] };
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let solve = |flow: &ShearFlow| {
            let trajectory = frames(flow, &resolution, 6, 0.1);
            let values = |f: &StoredFrame| [&f.tracer[..], &f.pressure, &f.velocity].concat();
            trajectory.iter().flat_map(values).map(f32::to_bits).collect::<Vec<u32>>()
        };
        pool.install(|| flows.par_iter().map(solve).collect::<Vec<_>>())
    };
    let (one, two) = (bits(1), bits(2));
    assert_eq!(one[0].len(), 6 * 4 * 32 * 64);
    assert!(one == two, "two threads changed a trajectory");
    assert!(one[0] != one[1], "different flows must differ");
}

#[test]
fn impossible_requests_are_refused() {
    let flow = flow(2, 3, 1.0);
    let refused = |resolution: Resolution, count: usize, dt: f64| {
        let result = simulate::<SolverError>(&flow, &resolution, count, dt, |_, _| Ok(()));
        result.unwrap_err().to_string()
    };
    let resolution = Resolution { solve: [16, 32], store: [16, 64] };
    let message = refused(resolution, 1, 0.1);
    assert!(message.contains("the stored grid 16x64 must be no finer than the solver's, 16x32"), "{message}");
    let message = refused(Resolution { solve: [16, 32], store: [15, 32] }, 1, 0.1);
    assert!(message.contains("the stored grid must have an even number"), "{message}");
    let message = refused(same([16, 32]), 0, 0.1);
    assert!(message.contains("`frames` must be at least 1"), "{message}");
    for dt in [0.0, -0.1, f64::NAN] {
        let message = refused(same([16, 32]), 2, dt);
        assert!(message.contains("`dt` must be a positive finite number"), "{message}");
    }
}

#[test]
fn an_error_of_the_receiver_ends_the_run() {
    #[derive(Debug, PartialEq)]
    enum Stop {
        Enough(usize),
        Solver(SolverError),
    }
    impl From<SolverError> for Stop {
        fn from(error: SolverError) -> Self {
            Self::Solver(error)
        }
    }
    let run = |flow: ShearFlow| {
        simulate(&flow, &same([16, 32]), 10, 0.1, |index, _| match index {
            2 => Err(Stop::Enough(index)),
            _ => Ok(()),
        })
    };
    assert_eq!(run(flow(2, 3, 1.0)), Err(Stop::Enough(2)));
    assert!(matches!(run(flow(2, 3, -1.0)), Err(Stop::Solver(SolverError::Parameter { .. }))));
}
