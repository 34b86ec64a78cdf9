//! Which input a probe refuses, and what the floor and the metrics compute.

use physrep_statistics::{Labels, per_trajectory, scores};

use crate::{AttentiveConfig, Embeddings, Error, LabelledEmbeddings, Probe, RidgeConfig};

fn embeddings(values: &[f32], [n, tokens, dim]: [usize; 3]) -> Embeddings {
    Embeddings { values: values.to_vec(), n, tokens, dim }
}

fn labels(values: &[f32], names: &[&str], trajectory: &[u32]) -> Labels {
    Labels {
        values: values.to_vec(),
        names: names.iter().map(ToString::to_string).collect(),
        trajectory: trajectory.to_vec(),
    }
}

fn message(result: Result<LabelledEmbeddings, Error>) -> String {
    result.expect_err("a bad split was accepted").to_string()
}

#[test]
fn a_value_that_is_not_finite_names_split_and_window() {
    let y = labels(&[0.0, 1.0, 2.0], &["a"], &[4, 4, 7]);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut x = embeddings(&[0.0; 12], [3, 2, 2]);
        x.values[9] = bad;
        let message = message(LabelledEmbeddings::new("valid", x, y.clone()));
        assert!(message.contains("split `valid`: embedding of window 2 (trajectory 7)"), "{message}");
        assert!(message.contains(&bad.to_string()), "{message}");
    }
    let x = embeddings(&[0.0; 3], [3, 1, 1]);
    let y = labels(&[0.0, f32::NAN, 2.0], &["a"], &[4, 4, 7]);
    let message = message(LabelledEmbeddings::new("test", x, y));
    assert!(message.contains("split `test`: label of window 1 (trajectory 4)"), "{message}");
}

#[test]
fn shapes_that_contradict_each_other_are_refused() {
    let y = labels(&[0.0, 1.0], &["a"], &[0, 1]);
    let refused = [
        (embeddings(&[], [0, 1, 1]), labels(&[], &["a"], &[]), "found (0, 1, 1)"),
        (embeddings(&[0.0; 3], [2, 1, 2]), y.clone(), "expected N x tokens x dim = 2 x 1 x 2, found 3"),
        (embeddings(&[0.0; 2], [2, usize::MAX, 2]), y.clone(), "found 2"),
        (embeddings(&[0.0; 3], [3, 1, 1]), y, "expected N = 3, found 2"),
        (embeddings(&[0.0; 2], [2, 1, 1]), labels(&[], &[], &[0, 1]), "expected at least one"),
        (
            embeddings(&[0.0; 2], [2, 1, 1]),
            labels(&[0.0; 2], &["a", "b"], &[0, 1]),
            "expected N x parameters = 2 x 2, found 2",
        ),
    ];
    for (x, y, expected) in refused {
        let message = message(LabelledEmbeddings::new("train", x, y));
        assert!(message.contains("split `train`") && message.contains(expected), "{message}");
    }
}

#[test]
fn splits_that_do_not_match_are_refused() {
    let split = |name, dim, parameter| {
        let x = embeddings(&vec![0.5; 2 * dim], [2, 1, dim]);
        LabelledEmbeddings::new(name, x, labels(&[0.0, 1.0], &[parameter], &[0, 1])).unwrap()
    };
    let ridge = Probe::Ridge(RidgeConfig::default());
    let train = split("train", 3, "Reynolds");
    let error = ridge.fit(&train, &split("valid", 3, "Schmidt"), 0).err().unwrap().to_string();
    assert!(error.contains("split `valid`: parameters") && error.contains("Schmidt"), "{error}");
    let error = ridge.fit(&train, &split("valid", 4, "Reynolds"), 0).err().unwrap().to_string();
    assert!(error.contains("expected 3 as in split `train`, found 4"), "{error}");
    let fitted = ridge.fit(&train, &split("valid", 3, "Reynolds"), 0).unwrap();
    let error = fitted.predict(&split("test", 5, "Reynolds")).unwrap_err().to_string();
    assert!(error.contains("split `test`") && error.contains("found 5"), "{error}");
}

#[test]
fn predicting_the_mean_scores_one_on_a_balanced_grid() {
    // {-1, 0, 1} x {-1, 1}, z-scored by the grid's own population mean and standard deviation.
    let std = (2.0f32 / 3.0).sqrt();
    let grid: Vec<f32> = [-1.0, 0.0, 1.0].iter().flat_map(|a| [[a / std, -1.0], [a / std, 1.0]]).flatten().collect();
    let trajectory: Vec<u32> = (0..6).collect();
    let split = |name| {
        LabelledEmbeddings::new(name, embeddings(&[0.0; 6], [6, 1, 1]), labels(&grid, &["a", "b"], &trajectory))
            .unwrap()
    };
    let fitted = Probe::Mean.fit(&split("train"), &split("valid"), 0).unwrap();
    let test = split("test");
    let scores = scores(&fitted.predict(&test).unwrap(), test.labels()).unwrap();
    for score in &scores.parameters {
        assert!((score.mse - 1.0).abs() < 1e-6, "{score:?}");
        assert!(score.r2.unwrap().abs() < 1e-6, "{score:?}");
    }
    assert!((scores.mse - 1.0).abs() < 1e-6);
}

#[test]
fn scores_are_those_of_the_textbook() {
    let y = labels(&[1.0, 5.0, 2.0, 5.0, 3.0, 5.0], &["a", "b"], &[0, 1, 2]);
    let scores = scores(&[1.5, 5.0, 2.0, 6.0, 2.5, 5.0], &y).unwrap();
    let [a, b] = &scores.parameters[..] else { panic!("{scores:?}") };
    assert!((a.mse - 0.5 / 3.0).abs() < 1e-12);
    assert!((a.r2.unwrap() - (1.0 - 0.5 / 2.0)).abs() < 1e-12);
    assert!((b.mse - 1.0 / 3.0).abs() < 1e-12);
    assert_eq!(b.r2, None, "R2 of a label that does not vary is undefined");
    assert_eq!(scores.r2, None);
    assert!((scores.mse - 0.25).abs() < 1e-12);
}

#[test]
fn a_label_that_is_constant_but_not_representable_has_no_r2() {
    let y = labels(&[0.1; 7], &["a"], &[0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(scores(&[0.1; 7], &y).unwrap().r2, None);
}

#[test]
fn trajectories_average_their_windows() {
    let y = labels(&[3.0, 1.0, 3.0, 1.0, 3.0], &["a"], &[9, 2, 9, 2, 9]);
    let (means, per_trajectory) = per_trajectory(&[1.0, 10.0, 2.0, 20.0, 6.0], &y).unwrap();
    assert_eq!(means, [15.0, 3.0]);
    assert_eq!(per_trajectory, labels(&[1.0, 3.0], &["a"], &[2, 9]));
}

#[test]
fn a_trajectory_has_one_label() {
    let y = labels(&[3.0, 1.0, 2.0, 1.0], &["a", "b"], &[9, 9]);
    let error = per_trajectory(&[0.0; 4], &y).unwrap_err().to_string();
    assert!(error.contains("trajectory 9") && error.contains("found 3 and 2"), "{error}");
}

#[test]
fn scores_refuse_predictions_of_another_length() {
    let y = labels(&[3.0, 1.0], &["a"], &[0, 1]);
    let error = scores(&[0.0; 3], &y).unwrap_err().to_string();
    assert!(error.contains("N x parameters = 2 x 1, found 3"), "{error}");
    assert!(scores(&[], &labels(&[], &["a"], &[])).is_err());
}

#[test]
fn probes_are_read_from_toml() {
    let probe = |text: &str| toml::from_str::<Probe>(text);
    assert_eq!(probe("kind = \"mean\"").unwrap(), Probe::Mean);
    assert_eq!(probe("kind = \"ridge\"").unwrap(), Probe::Ridge(RidgeConfig::default()));
    let attentive = AttentiveConfig { epochs: 50, ..Default::default() };
    assert_eq!(probe("kind = \"attentive\"\nepochs = 50").unwrap(), Probe::Attentive(attentive));
    let error = probe("kind = \"attentive\"\nepoch = 50").unwrap_err().to_string();
    assert!(error.contains("unknown field `epoch`") && error.contains("`epochs`"), "{error}");
    assert!(probe("kind = \"forest\"").unwrap_err().to_string().contains("`attentive`"));
}
