//! Hand-made statistics against fields whose statistics are known.

use std::f64::consts::PI;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::FeatureExtractor;

const PERIODIC: [bool; 2] = [true, true];

fn extractor(channels: usize, frames: usize, size: [usize; 2], periodic: [bool; 2]) -> FeatureExtractor {
    let channels: Vec<String> = (0..channels).map(|channel| format!("c{channel}")).collect();
    FeatureExtractor::new(&channels, frames, size, periodic).unwrap()
}

/// A clip of one channel from `f(t, j, i)`, j along H and i along W.
fn clip(frames: usize, [height, width]: [usize; 2], f: impl Fn(f64, f64, f64) -> f64) -> Vec<f32> {
    let mut values = Vec::new();
    for t in 0..frames {
        for j in 0..height {
            values.extend((0..width).map(|i| f(t as f64, j as f64, i as f64) as f32));
        }
    }
    values
}

fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| (rng.next_u32() as f64 / 2f64.powi(31) - 1.0) as f32).collect()
}

/// The value of one named feature.
fn feature(extractor: &FeatureExtractor, clip: &[f32], name: &str) -> f64 {
    let values = extractor.features(clip).unwrap();
    let index = extractor.names().iter().position(|own| own == name);
    f64::from(values[index.unwrap_or_else(|| panic!("no {name} in {:?}", extractor.names()))])
}

/// Names and values of the spectrum of channel `c0`.
fn spectrum(extractor: &FeatureExtractor, clip: &[f32]) -> Vec<(String, f64)> {
    let values = extractor.features(clip).unwrap();
    let named = extractor.names().iter().cloned().zip(values.into_iter().map(f64::from));
    named.filter(|(name, _)| name.starts_with("c0.log_power_")).collect()
}

fn strongest(extractor: &FeatureExtractor, clip: &[f32]) -> String {
    spectrum(extractor, clip).into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap().0
}

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "expected {expected}, found {found}");
}

#[test]
fn there_is_one_name_per_value_for_any_shape() {
    for (channels, frames, size) in [(1, 2, [4, 4]), (2, 3, [5, 7]), (11, 16, [32, 32]), (4, 4, [4, 33])] {
        let extractor = extractor(channels, frames, size, [true, false]);
        let clip = noise(0, channels * frames * size[0] * size[1]);
        let features = extractor.features(&clip).unwrap();
        assert_eq!(features.len(), extractor.names().len());
        assert!(features.iter().all(|feature| feature.is_finite()));
        let mut names = extractor.names().to_vec();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), features.len(), "two features have one name");
    }
}

#[test]
fn the_features_of_constant_fields_are_finite_and_zero() {
    let extractor = extractor(3, 4, [8, 8], [false, true]);
    for value in [0.0, 0.1, -3e7, f32::MAX, f32::MIN_POSITIVE] {
        let mut clip = vec![value; 3 * 4 * 64];
        clip[2 * 4 * 64..].copy_from_slice(&noise(1, 4 * 64));
        let features = extractor.features(&clip).unwrap();
        assert!(features.iter().all(|feature| feature.is_finite()), "{value}: {features:?}");
        for name in ["c0.skewness", "c0.kurtosis", "c0.log_decay", "c0.correlation.c1", "c0.correlation.c2"] {
            close(feature(&extractor, &clip, name), 0.0, if name == "c0.log_decay" { 1e-6 } else { 0.0 });
        }
    }
}

#[test]
fn moments_of_a_sine() {
    let size = [16, 32];
    let extractor = extractor(1, 4, size, PERIODIC);
    let sine = clip(4, size, |_, _, i| 0.5 + 3.0 * (2.0 * PI * 2.0 * i / 32.0).sin());
    close(feature(&extractor, &sine, "c0.mean"), 0.5, 1e-6);
    close(feature(&extractor, &sine, "c0.std"), 3.0 / 2f64.sqrt(), 1e-6);
    close(feature(&extractor, &sine, "c0.skewness"), 0.0, 1e-6);
    close(feature(&extractor, &sine, "c0.kurtosis"), 1.5 - 3.0, 1e-6);
    // Of two values, one with probability p: skewness (1 - 2p) / sqrt(p (1 - p)).
    let two = clip(4, size, |_, j, _| if j == 0.0 { 1.0 } else { 0.0 });
    let p = 1.0f64 / 16.0;
    close(feature(&extractor, &two, "c0.skewness"), (1.0 - 2.0 * p) / (p * (1.0 - p)).sqrt(), 1e-5);
}

#[test]
fn decay_is_the_rate_times_the_time() {
    let size = [16, 16];
    let extractor = extractor(1, 6, size, PERIODIC);
    let decaying = clip(6, size, |t, j, _| 4.0 + (-0.3 * t).exp() * (2.0 * PI * j / 16.0).cos());
    close(feature(&extractor, &decaying, "c0.std_first"), 0.5f64.sqrt(), 1e-6);
    close(feature(&extractor, &decaying, "c0.log_decay"), -0.3 * 5.0, 1e-5);
}

#[test]
fn differences_tell_the_axes_apart() {
    let size = [8, 12];
    let extractor = extractor(1, 3, size, PERIODIC);
    let ramp = clip(3, size, |t, j, i| 2.0 * t + 3.0 * j + 5.0 * i);
    for (axis, slope) in [("t", 2.0f64), ("y", 3.0), ("x", 5.0)] {
        close(feature(&extractor, &ramp, &format!("c0.log_difference_{axis}")), slope.powi(2).ln(), 1e-6);
    }
}

#[test]
fn the_power_of_a_wave_is_in_its_shell() {
    let size = [32, 32];
    let extractor = extractor(1, 2, size, PERIODIC);
    let wave = |kx: f64, ky: f64| clip(2, size, move |t, j, i| (2.0 * PI * (kx * i + ky * j) / 32.0 + t).cos());
    let expected = [
        ((1.0, 0.0), "k1"),
        ((1.0, 1.0), "k1.4"),
        ((0.0, 2.0), "k2"),
        ((4.0, 0.0), "k4"),
        ((3.0, 3.0), "k4"),
        ((-4.0, 4.0), "k5.7"),
        ((8.0, 0.0), "k8"),
        ((15.0, 15.0), "k11.3"),
    ];
    for ((kx, ky), shell) in expected {
        let found = spectrum(&extractor, &wave(kx, ky));
        let (name, power) = found.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        assert_eq!(name, &format!("c0.log_power_{shell}"), "({kx}, {ky})");
        close(*power, 0.5f64.ln(), 1e-5);
        let others = found.iter().filter(|other| other.0 != *name).map(|other| other.1).fold(f64::MIN, f64::max);
        assert!(others < 1e-12f64.ln(), "({kx}, {ky}) leaks e^{others}");
    }
}

#[test]
fn shells_add_up_to_the_variance() {
    for size in [[16, 16], [9, 16], [16, 9], [7, 5], [4, 32]] {
        let extractor = extractor(1, 2, size, PERIODIC);
        let clip = noise(3, 2 * size[0] * size[1]);
        let stds = ["std_first", "std_last"].map(|name| feature(&extractor, &clip, &format!("c0.{name}")));
        let expected = stds.iter().map(|std| std.powi(2) / 2.0).sum::<f64>();
        let found: f64 = spectrum(&extractor, &clip).iter().map(|(_, log)| log.exp()).sum();
        close(found, expected, 1e-5 * expected);
    }
}

#[test]
fn equal_wavelengths_share_a_shell_on_any_side() {
    let size = [16, 64];
    let extractor = extractor(1, 2, size, PERIODIC);
    let along_w = clip(2, size, |_, _, i| (2.0 * PI * i / 8.0).sin());
    let along_h = clip(2, size, |_, j, _| (2.0 * PI * j / 8.0).sin());
    assert_eq!(strongest(&extractor, &along_w), "c0.log_power_k8");
    assert_eq!(strongest(&extractor, &along_w), strongest(&extractor, &along_h));
}

#[test]
fn a_taper_keeps_an_edge_out_of_the_small_scales() {
    let size = [32, 32];
    let ramp = clip(2, size, |_, j, _| j / 32.0);
    let smallest = |periodic| spectrum(&extractor(1, 2, size, periodic), &ramp).last().unwrap().1;
    let (open, periodic) = (smallest([false, true]), smallest(PERIODIC));
    assert!(open < periodic - 5.0, "log power {open} with a taper, {periodic} without");
    // The taper is applied along the named axis only.
    close(smallest([true, false]), periodic, 1.0);
}

#[test]
fn correlations_have_their_sign() {
    let size = [8, 8];
    let base = noise(5, 2 * 64);
    let mut three = base.clone();
    three.extend(base.iter().map(|x| 2.0 - 0.5 * x));
    three.extend(noise(6, 2 * 64));
    let extractor = extractor(3, 2, size, PERIODIC);
    close(feature(&extractor, &three, "c0.correlation.c1"), -1.0, 1e-6);
    close(feature(&extractor, &three, "c0.correlation.c2"), 0.0, 0.3);
    close(feature(&extractor, &three, "c1.correlation.c2"), -feature(&extractor, &three, "c0.correlation.c2"), 1e-6);
}

#[test]
fn wrong_shapes_and_values_that_are_not_finite_are_refused() {
    let channel = ["c0".to_string()];
    let bad: [(&[String], usize, [usize; 2]); 4] =
        [(&[], 2, [8, 8]), (&channel, 1, [8, 8]), (&channel, 2, [3, 8]), (&channel, 2, [8, 3])];
    for (channels, frames, size) in bad {
        let error = FeatureExtractor::new(channels, frames, size, PERIODIC).err().unwrap().to_string();
        assert!(error.contains("at least (1, 2, 4, 4)"), "{error}");
    }
    let extractor = extractor(2, 2, [4, 4], PERIODIC);
    let error = extractor.features(&[0.0; 63]).unwrap_err().to_string();
    assert!(error.contains("2 x 2 x 4 x 4") && error.contains("63"), "{error}");
    let mut clip = vec![0.0; 64];
    clip[40] = f32::NAN;
    let error = extractor.features(&clip).unwrap_err().to_string();
    assert!(error.contains("NaN at channel 1"), "{error}");
}
