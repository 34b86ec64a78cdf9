//! No label reaches a plugin: one that records everything it is given notices no change of the labels.

use std::{collections::HashMap, fs};

use crate::support::{SPY, Suite, TestProject, replace_option};

/// What the plugin was given in a run of a suite, and the scores.
fn spied(project: &TestProject, text: &str, out: &str) -> (String, String) {
    let record = project.path(format!("{out}.txt"));
    let set = format!("spy.record={}", record.display());
    let arguments = project.all(Suite::Micro, SPY, out, &["--methods", "spy", "--jobs", "1", "--set", &set]);
    let arguments = project.with_suite(arguments, &format!("{out}.toml"), text);
    project.run(replace_option(arguments, "--data", "data")).exits_with(0);
    let read = |path| fs::read_to_string(path).expect("readable");
    (read(record), read(project.path(format!("{out}/scores.csv"))))
}

/// The mean squared errors of scores.csv.
fn mean_squared_errors(scores: &str) -> impl Iterator<Item = String> {
    let mut reader = csv::Reader::from_reader(scores.as_bytes());
    let rows: Vec<HashMap<String, String>> = reader.deserialize().collect::<Result<_, _>>().expect("rows");
    assert!(rows.len() > 100, "{scores}");
    rows.into_iter().map(|row| row["mse"].clone())
}

#[test]
fn a_plugin_is_given_the_same_whatever_the_labels_are() {
    let project = TestProject::new();
    let text = Suite::Micro.text();
    // The same fields with other labels: they are shifted and stretched.
    let scaled = |text: &str, parameter: &str, mean: f64, std: f64| {
        let changed = text.replace(parameter, &format!("{parameter}, mean = {mean}, std = {std}"));
        assert_ne!(text, changed);
        changed
    };
    let other = scaled(&text, r#"[50, 200], scale = "log10""#, 0.5, 0.02);
    let other = scaled(&other, r#"[0.5, 1], scale = "linear""#, 10.0, 3.0);
    let (given, scores) = spied(&project, &text, "one");
    let (given_again, other_scores) = spied(&project, &other, "other");
    for (score, other) in mean_squared_errors(&scores).zip(mean_squared_errors(&other_scores)) {
        assert_ne!(score, other, "the host has other labels");
    }
    assert_eq!(given, given_again, "and the plugin does not notice");

    let count = |what: &str| given.lines().filter(|line| line.starts_with(what)).count();
    assert_eq!(count("setup"), 4, "a pretrained and a random session, each with an inference copy:\n{given}");
    assert_eq!(count("step"), 6, "24 windows in batches of 4:\n{given}");
    assert!(count("encode") > 8, "both tracks encode:\n{given}");
    for word in ["Reynolds", "Schmidt", "shear", "train", "valid", "test", "held", "polation"] {
        assert!(!given.contains(word), "a plugin is not told of {word}:\n{given}");
    }
}
