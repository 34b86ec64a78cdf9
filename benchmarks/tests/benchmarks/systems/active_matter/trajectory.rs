//! The frames of an active-matter trajectory: their tensors, truncation, initial condition, determinism.

use physrep_benchmarks::Error;
use physrep_benchmarks::systems::Fourier;
use physrep_benchmarks::systems::active_matter::{ActiveMatter, INITIAL_ORDER, StoredFrame, simulate};
use physrep_benchmarks::systems::{Case, Resolution};
use physrep_benchmarks::systems::{SolverError, named};
use rayon::prelude::*;

fn same(n: usize) -> Resolution {
    Resolution { solve: [n, n], store: [n, n] }
}

fn frames(matter: &ActiveMatter, seed: u64, resolution: &Resolution, count: usize, dt: f64) -> Vec<StoredFrame> {
    let mut frames = Vec::new();
    simulate::<SolverError>(matter, seed, resolution, count, dt, |index, frame| {
        assert_eq!(index, frames.len());
        frames.push(frame.clone());
        Ok(())
    })
    .unwrap();
    frames
}

#[test]
fn tensors_are_what_they_are_called() {
    let trajectory = frames(&ActiveMatter::new(1.0, -2.0), 4, &same(48), 5, 0.75);
    let times: Vec<f64> = trajectory.iter().map(|frame| frame.time).collect();
    assert_eq!(times, [0.0, 0.75, 1.5, 2.25, 3.0]);
    for frame in &trajectory {
        assert!(frame.concentration.iter().all(|c| *c == 1.0));
        for d in frame.orientation.as_chunks::<4>().0 {
            assert!(d[1] == d[2] && (d[0] + d[3] - 1.0).abs() <= f32::EPSILON, "{d:?}");
            assert!(d[0] * d[3] - d[1] * d[2] > -0.005, "{d:?} must have no negative eigenvalue");
        }
        for e in frame.strain.as_chunks::<4>().0 {
            assert!(e[1] == e[2] && e[0] == -e[3], "{e:?}");
        }
        assert_eq!(frame.velocity.len(), 2 * 48 * 48);
    }
    let speed = |frame: &StoredFrame| frame.velocity.iter().fold(0.0f32, |peak, u| peak.max(u.abs()));
    assert!(speed(&trajectory[4]) > 5.0 * speed(&trajectory[0]), "activity must set the fluid in motion");
}

#[test]
fn the_initial_condition_does_not_depend_on_the_grid() {
    let matter = ActiveMatter::new(3.0, -1.0);
    let [coarse, fine] = [32, 64].map(|n| frames(&matter, 7, &same(n), 1, 1.0).remove(0));
    let mut square = 0.0;
    for i in 0..32 * 32 {
        let [few, many] = [i, (i / 32) * 2 * 64 + (i % 32) * 2];
        for part in 0..4 {
            assert!((coarse.orientation[4 * few + part] - fine.orientation[4 * many + part]).abs() < 1e-6);
        }
        let [xx, xy] = [0, 1].map(|part| f64::from(coarse.orientation[4 * i + part]));
        square += ((2.0 * xx - 1.0).powi(2) + (2.0 * xy).powi(2)) / (32.0 * 32.0);
    }
    assert!((square.sqrt() / INITIAL_ORDER - 1.0).abs() < 1e-4, "order {}", square.sqrt());
    let other = frames(&matter, 8, &same(32), 1, 1.0).remove(0);
    assert!(other.orientation != coarse.orientation, "different seeds must differ");
}

#[test]
fn frames_are_truncated_to_the_stored_grid() {
    let (solve, store) = ([48, 48], [20, 24]);
    let matter = ActiveMatter::new(1.0, -1.0);
    let fine = frames(&matter, 1, &same(48), 3, 1.5);
    let coarse = frames(&matter, 1, &Resolution { solve, store }, 3, 1.5);
    let (mut from, mut to) = (Fourier::dealiased(solve), Fourier::truncated(store, [usize::MAX; 2]));
    let mut low_modes = |values: Vec<f64>| {
        let (mut all, mut low) = (from.zeros(), to.zeros());
        from.forward(&values, &mut all);
        to.restrict(&from, &all, &mut low);
        let mut sampled = vec![0.0; store[0] * store[1]];
        to.inverse(&low, &mut sampled);
        sampled
    };
    for (fine, coarse) in fine.iter().zip(&coarse) {
        let parts = [
            (&fine.orientation, &coarse.orientation, 4),
            (&fine.strain, &coarse.strain, 4),
            (&fine.velocity, &coarse.velocity, 2),
        ];
        for (fine, coarse, components) in parts {
            for component in 0..components {
                let values = fine.iter().skip(component).step_by(components).copied().map(f64::from).collect();
                let found = coarse.iter().skip(component).step_by(components);
                for (expected, found) in low_modes(values).iter().zip(found) {
                    assert!((expected - f64::from(*found)).abs() < 2e-6, "{expected} {found}");
                }
            }
        }
    }
}

#[test]
fn trajectories_are_the_same_bytes_on_one_thread_and_on_two() {
    let seeds: Vec<u64> = (0..4).collect();
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let solve = |seed: &u64| {
            let trajectory =
                frames(&ActiveMatter::new(2.0, -3.0), *seed, &Resolution { solve: [48; 2], store: [32; 2] }, 5, 0.5);
            let values = |f: &StoredFrame| [&f.velocity[..], &f.orientation, &f.strain].concat();
            trajectory.iter().flat_map(values).map(f32::to_bits).collect::<Vec<u32>>()
        };
        pool.install(|| seeds.par_iter().map(solve).collect::<Vec<_>>())
    };
    let (one, two) = (bits(1), bits(2));
    assert_eq!(one[0].len(), 5 * 10 * 32 * 32);
    assert!(one == two, "two threads changed a trajectory");
    assert!(one[0] != one[1], "different seeds must differ");
}

#[test]
fn impossible_requests_are_refused() {
    let matter = ActiveMatter::new(1.0, -1.0);
    let refused = |resolution: Resolution, count: usize, dt: f64| {
        let result = simulate::<SolverError>(&matter, 0, &resolution, count, dt, |_, _| Ok(()));
        result.unwrap_err().to_string()
    };
    let message = refused(Resolution { solve: [16, 32], store: [16, 64] }, 1, 0.1);
    assert!(message.contains("the stored grid 16x64 must be no finer than the solver's, 16x32"), "{message}");
    let message = refused(same(16), 0, 0.1);
    assert!(message.contains("`frames` must be at least 1"), "{message}");
    for dt in [0.0, -0.1, f64::NAN] {
        let message = refused(same(16), 2, dt);
        assert!(message.contains("`dt` must be a positive finite number"), "{message}");
    }
}

#[test]
fn the_system_hands_over_its_fields_and_names_a_bad_case() {
    let system = named("active_matter").unwrap();
    let constants: Vec<f64> = system.constants().iter().map(|constant| constant.default).collect();
    let solve = |constants: &[f64], parameters: &[f64], initial: &[f64]| {
        let case = Case { parameters: parameters.into(), initial: initial.into() };
        let mut sizes = Vec::new();
        system.simulate(constants, &case, &same(16), 2, 0.1, &mut |frame| {
            sizes.push(frame.fields.iter().map(|field| field.len() / 256).collect::<Vec<_>>());
            Ok(())
        })?;
        Ok::<_, Error>(sizes)
    };
    let components: Vec<usize> = system.fields().iter().map(|field| field.rank.components()).collect();
    assert_eq!(components, [1, 2, 4, 4]);
    assert_eq!(solve(&constants, &[1.0, -1.0], &[3.0]).unwrap(), vec![components; 2]);
    for (parameters, initial, expected) in [
        (&[1.0][..], &[3.0][..], "expected [zeta, alpha] and [seed]"),
        (&[1.0, -1.0], &[0.5], "`seed` must be a whole number from 0 to 2^53, but is 0.5"),
        (&[1.0, -1.0], &[-1.0], "`seed` must be"),
        (&[1.0, -1.0], &[f64::NAN], "`seed` must be"),
        (&[-1.0, -1.0], &[0.0], "`zeta` must be between 0 and 1000"),
    ] {
        let message = solve(&constants, parameters, initial).unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("active_matter (parameters"), "{message}");
    }
    for (constants, expected) in [
        (&[10.0][..], "expected the constants [L, d_T, d_R], but they are [10.0]"),
        (&[0.0, 0.05, 0.05], "`length` must be positive"),
        (&[10.0, -0.05, 0.05], "`translational_diffusivity` must be positive"),
    ] {
        let message = solve(constants, &[1.0, -1.0], &[3.0]).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}
