//! Stacked fits against fits by themselves.

use candle_core::Device;
use physrep_nn::Rng;
use physrep_statistics::{Labels, scores};

use crate::{AttentiveConfig, Embeddings, LabelledEmbeddings, MlpConfig, Probe, ProbeRecord, RidgeConfig};

const SEEDS: [u64; 3] = [0, 1 << 32, 2 << 32];

/// Windows of five tokens whose first two labels are a linear and a non-linear function of one token, with noise.
fn split(name: &str, seed: u64, n: usize) -> LabelledEmbeddings {
    const TOKENS: usize = 5;
    const DIM: usize = 12;
    let mut rng = Rng::new(seed, "stacked", 0);
    let mut values = vec![0.0; n * TOKENS * DIM];
    rng.fill_normal(&mut values);
    let mut labels = Vec::new();
    for window in values.chunks_exact(TOKENS * DIM) {
        let noise = 0.1 * rng.standard_normal() as f32;
        labels.extend([window[0] + window[1] + noise, window[2].abs() - 0.8 + noise]);
    }
    let names = ["linear", "folded"].map(String::from).to_vec();
    let embeddings = Embeddings { values, n, tokens: TOKENS, dim: DIM };
    LabelledEmbeddings::new(name, embeddings, Labels { values: labels, names, trajectory: (0..n as u32).collect() })
        .expect("a split")
}

/// With a last batch that is smaller than the others.
fn probes(epochs: usize) -> [Probe; 2] {
    let attentive = AttentiveConfig { epochs, batch: 16, ..AttentiveConfig::default() };
    let mlp = MlpConfig { hidden: 24, epochs, batch: 16, ..MlpConfig::default() };
    [Probe::Attentive(attentive), Probe::Mlp(mlp)]
}

/// The selected epoch, the number of parameters, and the errors of train and valid.
fn of(record: &ProbeRecord) -> (usize, usize, [&[f64]; 2]) {
    match record {
        ProbeRecord::Mlp(mlp) => (mlp.epoch, mlp.parameters, [&mlp.train, &mlp.valid]),
        ProbeRecord::Attentive(a) => (a.epoch, a.head_parameters, [&a.train, &a.valid]),
        other => panic!("no trained probe: {other:?}"),
    }
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// 2e-4 of labels with variance one: what rounding grows to in 8 epochs of 6 steps.
#[test]
fn agree_with_fits_by_themselves() {
    let (train, valid, test) = (split("train", 1, 90), split("valid", 2, 300), split("test", 3, 40));
    for probe in probes(8) {
        let stacked = probe.fit_stacked(&train, &valid, &SEEDS, &Device::Cpu).expect("fits");
        let predicted = stacked.predict(&test).expect("predictions");
        assert_eq!((stacked.records().len(), predicted.len()), (3, 3));
        for ((seed, record), predicted) in SEEDS.into_iter().zip(&stacked.records()).zip(&predicted) {
            let alone = probe.fit(&train, &valid, seed).expect("a fit");
            let alone_record = alone.record();
            let ((epoch, count, errors), (own_epoch, own_count, own_errors)) = (of(record), of(&alone_record));
            assert_eq!((epoch, count), (own_epoch, own_count), "{} {seed}", probe.name());
            for (errors, own) in errors.iter().zip(own_errors) {
                let difference = largest_difference(errors, own);
                assert!(difference < 2e-4, "{} {seed}: errors of epochs differ by {difference:e}", probe.name());
            }
            let own: Vec<f64> = alone.predict(&test).expect("predictions").into_iter().map(f64::from).collect();
            let predicted: Vec<f64> = predicted.iter().copied().map(f64::from).collect();
            let difference = largest_difference(&predicted, &own);
            assert!(difference < 2e-4, "{} {seed}: predictions differ by {difference:e}", probe.name());
        }
    }
}

#[test]
fn a_fit_does_not_depend_on_the_others() {
    let (train, valid) = (split("train", 1, 50), split("valid", 2, 30));
    for probe in probes(8) {
        let fit = |seeds: &[u64]| probe.fit_stacked(&train, &valid, seeds, &Device::Cpu).expect("fits");
        let (one, all) = (fit(&SEEDS[1..2]), fit(&SEEDS));
        let (one, all) = (one.records(), all.records());
        let (mine, among) = (of(&one[0]), of(&all[1]));
        assert_eq!(mine.0, among.0);
        assert!(largest_difference(mine.2[1], among.2[1]) < 2e-4, "{}", probe.name());
        assert_ne!(all[0], all[1]);
    }
}

#[test]
fn each_fit_keeps_the_epoch_that_is_best_on_valid() {
    // Labels that are independent of the tokens, so that fits overfit after different epochs.
    let shuffled = |name, seed, n| {
        let (made, other) = (split(name, seed, n), split(name, seed + 10, n));
        LabelledEmbeddings::new(name, made.embeddings().clone(), other.labels().clone()).expect("a split")
    };
    let (train, valid) = (shuffled("train", 1, 64), shuffled("valid", 2, 64));
    for probe in probes(40) {
        let fits = probe.fit_stacked(&train, &valid, &SEEDS, &Device::Cpu).expect("fits");
        for (record, predicted) in fits.records().iter().zip(fits.predict(&valid).expect("predictions")) {
            let (epoch, _, [_, errors]) = of(record);
            let lowest = errors.iter().copied().fold(f64::INFINITY, f64::min);
            assert_eq!(errors[epoch - 1], lowest);
            assert_eq!(scores(&predicted, valid.labels()).expect("scores").mse, lowest, "{}", probe.name());
        }
        let last = fits.records().iter().filter(|record| of(record).0 == 40).count();
        assert!(last < 3, "{}: nothing was overfitted, so this test says nothing", probe.name());
    }
}

#[test]
fn what_cannot_be_trained_on_a_device_is_refused() {
    let (train, valid) = (split("train", 1, 20), split("valid", 2, 20));
    let refused = |probe: &Probe, seeds: &[u64]| {
        probe.fit_stacked(&train, &valid, seeds, &Device::Cpu).err().expect("an error").to_string()
    };
    let ridge = refused(&Probe::Ridge(RidgeConfig::default()), &SEEDS);
    assert!(ridge.contains("mlp or attentive, found ridge"), "{ridge}");
    let [attentive, _] = probes(1);
    assert!(refused(&attentive, &[]).contains("`fits`: expected at least 1"));
    let diverging = AttentiveConfig { learning_rate: 1e30, ..AttentiveConfig::default() };
    let diverged = refused(&Probe::Attentive(diverging), &SEEDS);
    assert!(diverged.contains("attentive.learning_rate"), "{diverged}");
}
