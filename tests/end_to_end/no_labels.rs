//! No label reaches a plugin: one that records everything it is given notices no change of the labels.

use std::fs;

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

#[test]
fn a_plugin_is_given_the_same_whatever_the_labels_are() {
    let project = TestProject::new();
    let text = Suite::Micro.text();
    // The same fields with other labels: on a logarithmic scale, three Schmidt numbers have another spacing.
    let with = |scale: &str| {
        let changed = text.replace(r#"[0.5, 1], scale = "linear""#, &format!(r#"[0.2, 0.5, 1], scale = "{scale}""#));
        assert_ne!(text, changed);
        changed
    };
    let (given, scores) = spied(&project, &with("linear"), "one");
    let (given_again, other_scores) = spied(&project, &with("log10"), "other");
    assert_ne!(scores, other_scores, "the host has other labels");
    assert_eq!(given, given_again, "and the plugin does not notice");

    let count = |what: &str| given.lines().filter(|line| line.starts_with(what)).count();
    assert_eq!(count("setup"), 4, "a pretrained and a random session, each with an inference copy:\n{given}");
    assert_eq!(count("step"), 6, "24 windows in batches of 4:\n{given}");
    assert!(count("encode") > 8, "both tracks encode:\n{given}");
    for word in ["Reynolds", "Schmidt", "shear", "train", "valid", "test"] {
        assert!(!given.contains(word), "a plugin is not told of {word}:\n{given}");
    }
}
