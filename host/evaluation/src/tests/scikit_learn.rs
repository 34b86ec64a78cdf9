//! Ridge and nearest neighbours against scikit-learn. `fixtures/scikit_learn.py` writes the expected predictions.

use physrep_statistics::Labels;
use serde_json::Value;

use crate::{
    Embeddings, KnnConfig, KnnMetric, LabelledEmbeddings, RidgeConfig,
    probes::{knn::Knn, ridge::Ridge},
};

/// Tolerance of our predictions, which are of order 1 in single precision.
const TOLERANCE: f64 = 1e-6;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().map(|number| number.as_f64().expect("a number")).collect()
}

fn split(case: &Value, name: &str) -> LabelledEmbeddings {
    let floats = |key: &str| numbers(&case["splits"][name][key]).iter().map(|&x| x as f32).collect::<Vec<f32>>();
    let (values, labels, dim) = (floats("x"), floats("y"), case["dim"].as_u64().expect("a width") as usize);
    let n = values.len() / dim;
    let names = ["first", "second"].map(String::from).to_vec();
    let labels = Labels { values: labels, names, trajectory: (0..n as u32).collect() };
    LabelledEmbeddings::new(name, Embeddings { values, n, tokens: 1, dim }, labels).expect("a split")
}

fn cases() -> Vec<(Value, [LabelledEmbeddings; 3])> {
    let file: Value = serde_json::from_str(include_str!("fixtures/scikit_learn.json")).expect("JSON");
    let cases = file["cases"].as_array().expect("cases").clone();
    cases.into_iter().map(|case| (case.clone(), ["train", "valid", "test"].map(|name| split(&case, name)))).collect()
}

fn agree(ours: &[f32], theirs: &Value, what: &str) {
    let theirs = numbers(theirs);
    assert_eq!(ours.len(), theirs.len());
    let worst = ours.iter().zip(&theirs).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
    assert!(worst < TOLERANCE, "{what}: {worst}");
}

/// The candidate with the lowest error on valid.
fn best(answers: &Value) -> &Value {
    let error = |answer: &&Value| answer["valid"].as_f64().expect("an error");
    answers.as_array().expect("answers").iter().min_by(|a, b| error(a).total_cmp(&error(b))).expect("one")
}

#[test]
fn ridge_predicts_as_scikit_learn() {
    for (case, [train, valid, test]) in cases() {
        let answers = case["ridge"].as_array().expect("answers");
        let penalty = |answer: &Value| answer["penalty"].as_f64().expect("a penalty");
        let config = RidgeConfig { penalties: answers.iter().map(penalty).collect() };
        let fitted = Ridge::fit(&train, &valid, &config).expect("a fit");
        for (answer, (ours, error)) in answers.iter().zip(&fitted.record().path) {
            assert_eq!(penalty(answer), *ours);
            assert!((error - answer["valid"].as_f64().expect("an error")).abs() < TOLERANCE, "{answer}");
            let one = Ridge::fit(&train, &valid, &RidgeConfig { penalties: vec![*ours] }).expect("a fit");
            agree(&one.predict(&test).expect("predictions"), &answer["test"], &format!("penalty {ours}"));
        }
        let best = best(&case["ridge"]);
        assert_eq!(fitted.record().penalty, penalty(best));
        agree(&fitted.predict(&test).expect("predictions"), &best["test"], "the penalty selected on valid");
    }
}

#[test]
fn nearest_neighbours_predict_as_in_scikit_learn() {
    for (case, [train, valid, test]) in cases() {
        let answers = case["knn"].as_array().expect("answers");
        let neighbours = |answer: &Value| answer["neighbours"].as_u64().expect("a number") as usize;
        let metric = |answer: &Value| match answer["metric"].as_str().expect("a metric") {
            "euclidean" => KnnMetric::Euclidean,
            _ => KnnMetric::Cosine,
        };
        let mut counts: Vec<usize> = answers.iter().map(neighbours).collect();
        counts.sort_unstable();
        counts.dedup();
        let config = KnnConfig { neighbours: counts, ..Default::default() };
        let fitted = Knn::fit(&train, &valid, &config).expect("a fit");
        assert_eq!(fitted.record().path.len(), answers.len());
        for (answer, (by, count, error)) in answers.iter().zip(&fitted.record().path) {
            assert_eq!((metric(answer), neighbours(answer)), (*by, *count));
            assert!((error - answer["valid"].as_f64().expect("an error")).abs() < TOLERANCE, "{answer}");
            let config = KnnConfig { neighbours: vec![*count], metrics: vec![*by] };
            let one = Knn::fit(&train, &valid, &config).expect("a fit");
            agree(&one.predict(&test).expect("predictions"), &answer["test"], &format!("{by:?}, {count}"));
        }
        let best = best(&case["knn"]);
        assert_eq!((fitted.record().metric, fitted.record().neighbours), (metric(best), neighbours(best)));
    }
}
