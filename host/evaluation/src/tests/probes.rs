//! Which labels the probes see: subsets of those of train and valid, and never those of test.

use physrep_random::Stream;
use physrep_statistics::{LabelPermutation, Labels};

use crate::{
    AttentiveConfig, Embeddings, KnnConfig, LabelledEmbeddings, MlpConfig, Probe, RidgeConfig, label_subset,
    permute_labels,
};

const WINDOWS: usize = 5;

/// `trajectories` with five windows of three tokens each; indices of different names do not overlap. Each token holds `signal` of the
/// trajectory's two labels, plus noise.
fn split(name: &str, seed: u64, trajectories: usize, signal: impl Fn(f32, f32) -> [f32; 2]) -> LabelledEmbeddings {
    let mut rng = Stream::new(seed, name, 0);
    let first = name.bytes().map(u32::from).sum::<u32>() * 1000;
    let (tokens, dim) = (3, 8);
    let (mut values, mut labels, mut trajectory) = (vec![], vec![], vec![]);
    for index in 0..trajectories {
        let (a, b) = (rng.standard_normal() as f32, rng.standard_normal() as f32);
        let signal = signal(a, b);
        for _ in 0..WINDOWS {
            for _ in 0..tokens {
                let noise = |rng: &mut Stream| 0.3 * rng.standard_normal() as f32;
                values.extend(signal.map(|signal| signal + noise(&mut rng)));
                values.extend((2..dim).map(|_| noise(&mut rng)));
            }
            labels.extend([a, b]);
            trajectory.push(first + index as u32);
        }
    }
    let names = ["a", "b"].map(String::from).to_vec();
    let n = trajectories * WINDOWS;
    LabelledEmbeddings::new(name, Embeddings { values, n, tokens, dim }, Labels { values: labels, names, trajectory })
        .expect("a split")
}

fn probes() -> Vec<Probe> {
    vec![
        Probe::Mean,
        Probe::Ridge(RidgeConfig::default()),
        Probe::Knn(KnnConfig::default()),
        Probe::Mlp(MlpConfig { hidden: 16, epochs: 4, ..Default::default() }),
        Probe::Attentive(AttentiveConfig { epochs: 4, ..Default::default() }),
    ]
}

#[test]
fn the_labels_of_test_change_no_selection_and_no_prediction() {
    let make = |name| split(name, 1, 24, |a, b| [a, b]);
    let (train, valid, test) = (make("train"), make("valid"), make("test"));
    let mut labels = test.labels().clone();
    labels.values.iter_mut().for_each(|label| *label = 7.0 - 3.0 * *label);
    let relabelled = LabelledEmbeddings::new("test", test.embeddings().clone(), labels).expect("a split");
    for probe in probes() {
        let result = |test: &LabelledEmbeddings| {
            let fitted = probe.fit(&train, &valid, 3).expect("a fit");
            (fitted.record(), fitted.predict(test).expect("predictions"))
        };
        assert_eq!(result(&test), result(&relabelled), "{}", probe.name());
    }
}

#[test]
fn the_labels_of_valid_change_the_selection() {
    let make = |name| split(name, 1, 24, |a, b| [a, b]);
    let (train, valid) = (make("train"), make("valid"));
    let mut labels = valid.labels().clone();
    labels.values.iter_mut().for_each(|label| *label = -*label);
    let relabelled = LabelledEmbeddings::new("valid", valid.embeddings().clone(), labels).expect("a split");
    for probe in probes().iter().skip(1) {
        let record = |valid: &LabelledEmbeddings| probe.fit(&train, valid, 3).expect("a fit").record();
        assert_ne!(record(&valid), record(&relabelled), "{}", probe.name());
    }
}

#[test]
fn a_perceptron_and_neighbours_estimate_what_no_linear_map_can() {
    // The labels are absolute values, centred, of what the tokens hold: not linear in any token.
    let make = |name| {
        let made = split(name, 2, 200, |a, b| [a, b]);
        let mut labels = made.labels().clone();
        labels.values.iter_mut().for_each(|label| *label = label.abs() - 0.8);
        LabelledEmbeddings::new(name, made.embeddings().clone(), labels).expect("a split")
    };
    let (train, valid, test) = (make("train"), make("valid"), make("test"));
    let error = |probe: Probe| {
        let predicted = probe.fit(&train, &valid, 0).expect("a fit").predict(&test).expect("predictions");
        let squares = predicted.iter().zip(&test.labels().values).map(|(f, y)| f64::from(f - y).powi(2));
        squares.sum::<f64>() / predicted.len() as f64
    };
    let constant = error(Probe::Mean);
    assert!(error(Probe::Ridge(Default::default())) > 0.95 * constant);
    assert!(error(Probe::Mlp(MlpConfig { epochs: 30, ..Default::default() })) < 0.25 * constant);
    assert!(error(Probe::Knn(Default::default())) < 0.6 * constant);
}

#[test]
fn smaller_label_subsets_are_within_larger_ones() {
    let whole = split("train", 0, 30, |a, b| [a, b]);
    let mut before: Vec<u32> = Vec::new();
    for (fraction, count) in [(0.01, 1), (0.1, 3), (0.5, 15), (1.0, 30)] {
        let subset = label_subset(&whole, fraction, 7).expect("a subset");
        let trajectories = subset.labels().trajectories();
        assert_eq!((trajectories.len(), subset.n()), (count, WINDOWS * count), "{fraction}");
        assert!(before.iter().all(|trajectory| trajectories.contains(trajectory)), "{fraction}");
        before = trajectories;
    }
    assert_eq!(label_subset(&whole, 1.0, 7).expect("all"), whole);
    let trajectories = |seed| label_subset(&whole, 0.5, seed).expect("a subset").labels().trajectories();
    assert_eq!(trajectories(7), trajectories(7));
    assert_ne!(trajectories(7), trajectories(8));
    for wrong in [0.0, -0.1, 1.5, f64::NAN] {
        assert!(label_subset(&whole, wrong, 0).expect_err("refused").to_string().contains("label_fractions"));
    }
}

fn permutation_test(
    train: &LabelledEmbeddings,
    valid: &LabelledEmbeddings,
    test: &LabelledEmbeddings,
    seed: u64,
) -> LabelPermutation {
    permute_labels(train, valid, test, &RidgeConfig::default(), 39, seed).expect("permutations")
}

#[test]
fn permuted_labels_cannot_be_estimated() {
    let mut contained = 0;
    for seed in 0..40 {
        let make = |name| split(name, seed, 48, |a, b| [a, b]);
        let test = permutation_test(&make("train"), &make("valid"), &make("test"), seed);
        assert_eq!(test.r2.len(), 39);
        contained += usize::from(test.contains_zero());
    }
    assert!(contained >= 38, "{contained} of 40");
}

#[test]
fn the_permutation_test_detects_trajectories_that_are_in_train_and_in_test() {
    // Embeddings that encode the index of their trajectory and nothing of its parameters; the first index is `first`.
    let make = |name: &str, first: u32| {
        let (trajectories, dim) = (12, 12);
        let n = trajectories * WINDOWS;
        let values = (0..n).flat_map(|w| (0..dim).map(move |j| f32::from(u8::from(j == w / WINDOWS))));
        let mut rng = Stream::new(5, name, 0);
        let own: Vec<f32> = (0..trajectories).map(|_| rng.standard_normal() as f32).collect();
        let labels = (0..n).map(|w| own[w / WINDOWS]).collect();
        let trajectory = (0..n).map(|w| first + (w / WINDOWS) as u32).collect();
        let labels = Labels { values: labels, names: vec!["a".into()], trajectory };
        LabelledEmbeddings::new(name, Embeddings { values: values.collect(), n, tokens: 1, dim }, labels)
            .expect("a split")
    };
    let leaking = permutation_test(&make("train", 0), &make("valid", 0), &make("test", 0), 0);
    assert!(!leaking.contains_zero(), "{leaking:?}");
    let clean = permutation_test(&make("train", 0), &make("valid", 12), &make("test", 24), 0);
    assert!(clean.contains_zero(), "{clean:?}");
}
