//! The frames of a Rayleigh-Benard trajectory: the initial condition, truncation, determinism, hostile requests.

use std::f64::consts::PI;

use physrep_benchmarks::systems::rayleigh_benard::{RayleighBenard, StoredFrame, simulate};
use physrep_benchmarks::systems::{Case, Resolution};
use physrep_benchmarks::systems::{SolverError, named};
use rayon::prelude::*;

fn flow(delta: f64, seed: u64) -> RayleighBenard {
    RayleighBenard { rayleigh: 1e5, prandtl: 1.0, delta, seed }
}

fn frames(flow: &RayleighBenard, resolution: &Resolution, count: usize, dt: f64) -> Vec<StoredFrame> {
    let mut frames = Vec::new();
    simulate::<SolverError>(flow, resolution, count, dt, |index, frame| {
        assert_eq!(index, frames.len());
        frames.push(frame.clone());
        Ok(())
    })
    .unwrap();
    frames
}

fn height(j: usize, ny: usize) -> f64 {
    0.5 - 0.5 * (PI * (j as f64 + 0.5) / ny as f64).cos()
}

#[test]
fn frame_zero_is_the_published_initial_condition() {
    let grid = [512, 128];
    let frame = &frames(&flow(0.4, 40), &Resolution { solve: grid, store: grid }, 1, 0.25)[0];
    assert!(frame.velocity.iter().chain(&frame.pressure).all(|v| *v == 0.0));
    let (mut sum, mut square, mut count) = (0.0, 0.0, 0.0);
    for (i, b) in frame.buoyancy.iter().enumerate() {
        let y = height(i % 128, 128);
        // Where y (1 - y) is not small, single precision does not hide the noise.
        if (0.2..0.8).contains(&y) {
            let noise = (f64::from(*b) - 0.4 * (1.0 - y)) / (y * (1.0 - y));
            (sum, square, count) = (sum + noise, square + noise * noise, count + 1.0);
        }
    }
    let deviation = (square / count).sqrt();
    assert!((deviation / 1e-3 - 1.0).abs() < 0.03, "noise of standard deviation {deviation}");
    assert!((sum / count).abs() < 5e-5, "noise of mean {}", sum / count);
}

#[test]
fn frames_fall_on_their_times_and_the_lower_wall_is_hot() {
    let resolution = Resolution { solve: [32, 24], store: [24, 16] };
    let trajectory = frames(&flow(0.2, 1), &resolution, 5, 0.3);
    let times: Vec<f64> = trajectory.iter().map(|frame| frame.time).collect();
    assert_eq!(times, [0.0, 0.3, 0.6, 3.0 * 0.3, 4.0 * 0.3]);
    let lowest = |frame: &StoredFrame| frame.buoyancy[0];
    assert!((lowest(&trajectory[0]) - 0.2).abs() < 0.01, "{}", lowest(&trajectory[0]));
    assert!(lowest(&trajectory[1]) > 0.9, "{}", lowest(&trajectory[1]));
    for frame in &trajectory {
        assert!(frame.buoyancy[15].abs() < 0.02, "the upper wall is cold: {}", frame.buoyancy[15]);
        assert_eq!(frame.velocity.len(), 2 * 24 * 16);
    }
}

#[test]
fn stored_grids_sample_the_same_smooth_flow() {
    // Once noise has been smoothed out, the grids hold all that there is of the flow.
    let solve = [32, 32];
    let last = |store: [usize; 2]| {
        let flow = RayleighBenard { rayleigh: 3000.0, ..flow(1.0, 5) };
        frames(&flow, &Resolution { solve, store }, 2, 40.0).remove(1)
    };
    let (fine, coarse) = (last(solve), last([16, 32]));
    for i in 0..16 * 32 {
        let same = fine.buoyancy[(i / 32) * 2 * 32 + i % 32];
        assert!((same - coarse.buoyancy[i]).abs() < 1e-5, "point {i}: {same} and {}", coarse.buoyancy[i]);
    }
}

#[test]
fn trajectories_are_the_same_bytes_on_one_thread_and_on_two() {
    let flows: Vec<RayleighBenard> = (40..44).map(|seed| flow(0.6, seed)).collect();
    let resolution = Resolution { solve: [32, 24], store: [32, 16] };
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let solve = |flow: &RayleighBenard| {
            let trajectory = frames(flow, &resolution, 8, 2.0);
            let values = |f: &StoredFrame| [&f.buoyancy[..], &f.pressure, &f.velocity].concat();
            trajectory.iter().flat_map(values).map(f32::to_bits).collect::<Vec<u32>>()
        };
        pool.install(|| flows.par_iter().map(solve).collect::<Vec<_>>())
    };
    let (one, two) = (bits(1), bits(2));
    assert_eq!(one[0].len(), 8 * 4 * 32 * 16);
    assert!(one == two, "two threads changed a trajectory");
    assert!(one[0] != one[1], "different seeds must differ");
}

#[test]
fn impossible_requests_are_refused() {
    let refused = |resolution: Resolution, count: usize, dt: f64| {
        simulate::<SolverError>(&flow(1.0, 0), &resolution, count, dt, |_, _| Ok(())).unwrap_err().to_string()
    };
    let (solve, store) = ([16, 16], [16, 16]);
    let message = refused(Resolution { solve, store: [16, 32] }, 1, 0.1);
    assert!(message.contains("the stored grid 16x32 must be no finer than the solver's, 16x16"), "{message}");
    let message = refused(Resolution { solve, store: [15, 16] }, 1, 0.1);
    assert!(message.contains("the stored grid must have an even number"), "{message}");
    assert!(refused(Resolution { solve, store }, 0, 0.1).contains("`frames` must be at least 1"));
    for dt in [0.0, -0.1, f64::NAN] {
        assert!(refused(Resolution { solve, store }, 2, dt).contains("`dt` must be a positive finite number"));
    }
}

#[test]
fn the_system_refuses_cases_that_it_does_not_have() {
    let system = named("rayleigh_benard").unwrap();
    let resolution = Resolution { solve: [16, 16], store: [16, 16] };
    let refused = |parameters: &[f64], initial: &[f64]| {
        let case = Case { parameters: parameters.to_vec(), initial: initial.to_vec() };
        system.simulate(&[], &case, &resolution, 2, 0.1, &mut |_| Ok(())).unwrap_err().to_string()
    };
    for (message, expected) in [
        (refused(&[1e5], &[1.0, 0.0]), "expected [Rayleigh, Prandtl] and [dT, seed]"),
        (refused(&[1e5, 1.0], &[1.0, 0.5]), "`seed` must be a whole number"),
        (refused(&[1e5, 1.0], &[1.0, f64::NAN]), "`seed` must be a whole number"),
        (refused(&[1e5, -1.0], &[1.0, 0.0]), "`prandtl` must be a positive finite number"),
        (refused(&[1e5, 1.0], &[f64::INFINITY, 0.0]), "`dT` must be between 0 and 1"),
    ] {
        assert!(message.contains(expected) && !message.contains('\n'), "{message:?} does not say {expected:?}");
    }
}
