//! No label reaches a plugin: one that writes down all it is told notices nothing when the labels change.

mod bench;

use std::fs;

use bench::{Bench, fixture};

const SPY: &str = "tests/plugins/spy";

/// What the plugin was told in a run of the suite in `suite`, and the scores.
fn spied(bench: &Bench, suite: &str, out: &str) -> (String, String) {
    let record = bench.path(format!("{out}.txt"));
    let set = format!("spy.record={}", record.display());
    let mut arguments = bench.all(SPY, out, &["--methods", "spy", "--jobs", "1", "--set", &set]);
    let place = arguments.iter().position(|argument| argument.ends_with("micro.toml")).expect("a suite");
    arguments[place] = suite.into();
    bench.run(&arguments).ended_with(0);
    let read = |path| fs::read_to_string(path).expect("readable");
    (read(record), read(bench.path(format!("{out}/scores.csv"))))
}

#[test]
fn a_plugin_is_told_the_same_whatever_the_labels_are() {
    let bench = Bench::new();
    let text = fs::read_to_string(fixture("suites/micro.toml")).expect("the suite");
    // The same fields with other labels: three Schmidt numbers are spaced otherwise on a scale of logarithms.
    let with = |scale: &str| {
        let changed = text.replace(r#"[0.5, 1], scale = "linear""#, &format!(r#"[0.2, 0.5, 1], scale = "{scale}""#));
        assert_ne!(text, changed);
        changed
    };
    fs::write(bench.path("one.toml"), with("linear")).expect("writable");
    fs::write(bench.path("other.toml"), with("log10")).expect("writable");
    let (told, scores) = spied(&bench, "./one.toml", "one");
    let (told_again, other_scores) = spied(&bench, "./other.toml", "other");
    assert_ne!(scores, other_scores, "the host has other labels");
    assert_eq!(told, told_again, "and the plugin does not notice");

    let count = |what: &str| told.lines().filter(|line| line.starts_with(what)).count();
    assert_eq!(count("setup"), 4, "one session pretrained, one at random, a network and its twin in each:\n{told}");
    assert_eq!(count("step"), 6, "24 windows in batches of 4:\n{told}");
    assert!(count("encode") > 8, "both tracks encode:\n{told}");
    for word in ["Reynolds", "Schmidt", "shear", "train", "valid", "test"] {
        assert!(!told.contains(word), "a plugin is not told of {word}:\n{told}");
    }
}
