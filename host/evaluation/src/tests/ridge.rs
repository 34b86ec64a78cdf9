//! Ridge regression against the normal equations, and what the selected penalty may depend on.

use nalgebra::DMatrix;
use physrep_statistics::Labels;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    Embeddings, LabelledEmbeddings,
    probes::ridge::{Ridge, RidgeConfig},
};

/// Uniform on [-1, 1).
fn random(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| (rng.next_u32() as f64 / 2f64.powi(31) - 1.0) as f32).collect()
}

fn split(name: &str, values: Vec<f32>, [n, tokens, dim]: [usize; 3], labels: Vec<f32>) -> LabelledEmbeddings {
    let parameters = labels.len() / n;
    let labels = Labels {
        values: labels,
        names: (0..parameters).map(|parameter| format!("p{parameter}")).collect(),
        trajectory: (0..n as u32).collect(),
    };
    LabelledEmbeddings::new(name, Embeddings { values, n, tokens, dim }, labels).unwrap()
}

/// Two parameters, a linear map of the pooled tokens plus noise of relative size `noise`.
fn linear(name: &str, seed: u64, shape @ [n, tokens, dim]: [usize; 3], noise: f32) -> LabelledEmbeddings {
    let mut map_rng = ChaCha8Rng::seed_from_u64(0);
    let map = random(&mut map_rng, 2 * dim);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values = random(&mut rng, n * tokens * dim);
    let mut labels = Vec::new();
    for window in values.chunks_exact(tokens * dim) {
        for (parameter, weights) in map.chunks_exact(dim).enumerate() {
            let sum: f64 = window.iter().zip(weights.iter().cycle()).map(|(&x, &w)| f64::from(x) * f64::from(w)).sum();
            let drawn = random(&mut rng, 1)[0];
            labels.push((sum / tokens as f64) as f32 + 0.3 + parameter as f32 + noise * drawn);
        }
    }
    split(name, values, shape, labels)
}

fn one(penalty: f64) -> RidgeConfig {
    RidgeConfig { penalties: vec![penalty] }
}

/// The same minimiser from `(Z'Z/N + penalty I) W = Z'Y/N`, solved by Cholesky.
fn normal_equations(train: &LabelledEmbeddings, penalty: f64, test: &LabelledEmbeddings) -> Vec<f64> {
    let (n, dim, parameters) = (train.n(), train.embeddings().dim, train.parameters());
    let x = train.embeddings().mean_pooled();
    let moments: Vec<(f64, f64)> = (0..dim)
        .map(|j| {
            let mean = (0..n).map(|i| x[i * dim + j]).sum::<f64>() / n as f64;
            let variance = (0..n).map(|i| (x[i * dim + j] - mean).powi(2)).sum::<f64>() / n as f64;
            (mean, variance.sqrt())
        })
        .collect();
    let standard = |x: &[f64], i: usize, j: usize| (x[i * dim + j] - moments[j].0) / moments[j].1;
    let z = DMatrix::from_fn(n, dim, |i, j| standard(&x, i, j));
    let y = DMatrix::from_fn(n, parameters, |i, j| f64::from(train.labels().values[i * parameters + j]));
    let mean: Vec<f64> = (0..parameters).map(|j| y.column(j).iter().sum::<f64>() / n as f64).collect();
    let centred = DMatrix::from_fn(n, parameters, |i, j| y[(i, j)] - mean[j]);
    let gram = z.transpose() * &z;
    let system = DMatrix::from_fn(dim, dim, |i, j| gram[(i, j)] + if i == j { n as f64 * penalty } else { 0.0 });
    let weights = system.cholesky().unwrap().solve(&(z.transpose() * &centred));
    let x = test.embeddings().mean_pooled();
    let z = DMatrix::from_fn(test.n(), dim, |i, j| standard(&x, i, j));
    let predicted = z * weights;
    (0..test.n()).flat_map(|i| (0..parameters).map(|j| predicted[(i, j)] + mean[j]).collect::<Vec<_>>()).collect()
}

/// The largest difference of two values; NaN, the last in the total order, if one is NaN.
fn largest_difference(a: &[f32], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(&a, b)| (f64::from(a) - b).abs()).max_by(f64::total_cmp).unwrap()
}

#[test]
fn agrees_with_the_normal_equations() {
    for [n, dim] in [[60, 7], [12, 40], [25, 25]] {
        let train = linear("train", 1, [n, 3, dim], 0.5);
        let valid = linear("valid", 2, [20, 3, dim], 0.5);
        let test = linear("test", 3, [20, 3, dim], 0.5);
        for penalty in [1e-4, 0.1, 10.0] {
            let predicted = Ridge::fit(&train, &valid, &one(penalty)).unwrap().predict(&test).unwrap();
            let difference = largest_difference(&predicted, &normal_equations(&train, penalty, &test));
            assert!(difference < 2e-6, "N = {n}, dim = {dim}, penalty {penalty}: {difference:e}");
        }
    }
}

#[test]
fn recovers_a_linear_map() {
    let [train, valid, test] =
        [("train", 1), ("valid", 2), ("test", 3)].map(|(name, seed)| linear(name, seed, [80, 4, 10], 0.0));
    let ridge = Ridge::fit(&train, &valid, &RidgeConfig::default()).unwrap();
    let labels: Vec<f64> = test.labels().values.iter().map(|&label| f64::from(label)).collect();
    let difference = largest_difference(&ridge.predict(&test).unwrap(), &labels);
    assert!(difference < 2e-6, "{difference:e}");
    assert_eq!(ridge.record().penalty, 1e-8, "without noise nothing should be penalised");
}

#[test]
fn noise_calls_for_a_penalty_and_it_is_the_best_on_valid() {
    let train = linear("train", 1, [30, 1, 25], 3.0);
    let valid = linear("valid", 2, [200, 1, 25], 3.0);
    let record = Ridge::fit(&train, &valid, &RidgeConfig::default()).unwrap().record().clone();
    assert!(record.penalty > 1e-3, "{record:?}");
    let lowest = record.path.iter().map(|entry| entry.1).fold(f64::INFINITY, f64::min);
    assert!(record.path.contains(&(record.penalty, lowest)));
    assert_eq!(record.path.len(), RidgeConfig::default().penalties.len());
}

#[test]
fn the_path_is_what_each_penalty_alone_would_score() {
    let train = linear("train", 1, [12, 2, 20], 1.0);
    let valid = linear("valid", 2, [15, 2, 20], 1.0);
    let labels = &valid.labels().values;
    for (penalty, mse) in Ridge::fit(&train, &valid, &RidgeConfig::default()).unwrap().record().path.clone() {
        let predicted = Ridge::fit(&train, &valid, &one(penalty)).unwrap().predict(&valid).unwrap();
        let squares = predicted.iter().zip(labels).map(|(f, y)| f64::from(f - y).powi(2));
        let direct = squares.sum::<f64>() / labels.len() as f64;
        assert!((mse - direct).abs() < 1e-5 * direct, "penalty {penalty}: {mse} and {direct}");
    }
}

#[test]
fn the_intercept_is_not_penalised() {
    let train = linear("train", 1, [50, 1, 5], 0.1);
    let predicted = Ridge::fit(&train, &train, &one(1e12)).unwrap().predict(&train).unwrap();
    for column in 0..2 {
        let mean = train.labels().values.iter().skip(column).step_by(2).sum::<f32>() / 50.0;
        let nearest =
            predicted.iter().skip(column).step_by(2).map(|f| (f - mean).abs()).max_by(f32::total_cmp).unwrap();
        assert!(nearest < 1e-5, "predictions are {nearest} from the mean {mean}");
    }
}

#[test]
fn constant_dimensions_are_ignored() {
    let plain = [1, 2, 3].map(|seed| linear("plain", seed, [30, 2, 4], 0.2));
    // A constant without an exact binary representation, and one that jitters in its last bit.
    let padded = plain.each_ref().map(|split_| {
        let values = split_.embeddings().values.chunks_exact(4).enumerate().flat_map(|(token, x)| {
            let jitter = f32::from_bits(1000.1f32.to_bits() + (token % 2) as u32);
            [x[0], 0.1, x[1], x[2], jitter, x[3]]
        });
        split("padded", values.collect(), [30, 2, 6], split_.labels().values.clone())
    });
    let [plain, padded] = [plain, padded].map(|[train, valid, test]| {
        let ridge = Ridge::fit(&train, &valid, &RidgeConfig::default()).unwrap();
        (ridge.predict(&test).unwrap(), ridge.record().clone())
    });
    assert_eq!(padded.1.constant_dimensions, 2);
    assert_eq!(plain.1.constant_dimensions, 0);
    assert_eq!(plain.1.penalty, padded.1.penalty);
    let expected: Vec<f64> = plain.0.iter().map(|&f| f64::from(f)).collect();
    assert!(largest_difference(&padded.0, &expected) < 1e-6);
}

#[test]
fn a_representation_without_information_is_the_mean() {
    let values = vec![0.7; 40];
    let train = split("train", values, [20, 1, 2], (0..20).map(|i| i as f32).collect());
    let ridge = Ridge::fit(&train, &train, &RidgeConfig::default()).unwrap();
    assert!(ridge.predict(&train).unwrap().iter().all(|&f| f == 9.5));
    assert_eq!(ridge.record().penalty, 1e4, "of equally good penalties the largest");
}

#[test]
fn one_window_is_enough_for_a_fit() {
    let train = split("train", vec![0.3, -0.2], [1, 1, 2], vec![0.4]);
    let ridge = Ridge::fit(&train, &train, &RidgeConfig::default()).unwrap();
    assert_eq!(ridge.predict(&train).unwrap(), [0.4]);
}

#[test]
fn a_prediction_does_not_depend_on_the_other_windows() {
    let train = linear("train", 1, [40, 2, 9], 0.5);
    let valid = linear("valid", 2, [40, 2, 9], 0.5);
    let ridge = Ridge::fit(&train, &valid, &RidgeConfig::default()).unwrap();
    let test = linear("test", 3, [30, 2, 9], 0.5);
    let together = ridge.predict(&test).unwrap();
    let mut values = test.embeddings().values.clone();
    values[18..].iter_mut().for_each(|value| *value = 1e6 * *value + 3.0);
    let others = split("test", values, [30, 2, 9], vec![-7.0; 60]);
    assert_eq!(together[..2], ridge.predict(&others).unwrap()[..2]);
}

#[test]
fn predictions_are_the_same_bytes_for_any_number_of_threads() {
    let train = linear("train", 1, [300, 2, 96], 0.5);
    let valid = linear("valid", 2, [100, 2, 96], 0.5);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Ridge::fit(&train, &valid, &RidgeConfig::default()).unwrap().predict(&valid).unwrap())
    };
    let [one, four] = [run(1), run(4)].map(|f| f.into_iter().map(f32::to_bits).collect::<Vec<_>>());
    assert_eq!(one, four);
}

#[test]
fn penalties_outside_their_range_are_refused() {
    let train = linear("train", 1, [5, 1, 2], 0.1);
    for penalties in [vec![], vec![0.0], vec![1.0, -1.0], vec![f64::NAN], vec![f64::INFINITY]] {
        let error = Ridge::fit(&train, &train, &RidgeConfig { penalties }).err().unwrap().to_string();
        assert!(error.contains("ridge.penalties") && error.contains("positive and finite"), "{error}");
    }
}
