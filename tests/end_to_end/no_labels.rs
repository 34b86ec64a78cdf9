//! No label reaches a plugin: one that records everything it is given notices no change of the labels, and one that looks for them
//! finds nothing.

use std::{collections::HashMap, env, fs, path::Path, process::Command};

use crate::support::{HOSTILE, Output, PRYING, SPY, Suite, TestProject, python, replace_option};

/// What the plugin was given in a run of a suite, and the scores.
fn spied(project: &TestProject, text: &str, out: &str) -> (String, String) {
    let arguments = project.all(Suite::Micro, SPY, out, &["--methods", "spy"]);
    let arguments = project.with_suite(arguments, &format!("{out}.toml"), text);
    project.run(replace_option(arguments, "--data", "data")).exits_with(0);
    let read = |path: &Path| fs::read_to_string(path).expect("readable");
    let logs = project.find(format!("{out}/cells"), "log.txt");
    let given: String = logs.values().map(|log| read(log)).collect();
    let spied = given.lines().filter_map(|line| Some(format!("{}\n", line.strip_prefix(" spies: ")?)));
    (spied.collect(), read(&project.path(format!("{out}/scores.csv"))))
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
    assert_eq!(count("setup"), 8, "two sessions of each cell, each with an inference copy:\n{given}");
    assert_eq!(count("step"), 6, "24 windows in batches of 4:\n{given}");
    assert!(count("encode") > 8, "both tracks encode:\n{given}");
    for word in ["Reynolds", "Schmidt", "shear", "train", "valid", "test", "held", "polation"] {
        assert!(!given.contains(word), "a plugin is not told of {word}:\n{given}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_method_reaches_its_clips_and_nothing_else() {
    let project = TestProject::new();
    // A run with labels in it, and the data, which the method is told of.
    let all = |out: &str, more: &[&str]| {
        project.run(replace_option(project.all(Suite::Micro, PRYING, out, more), "--data", "data")).exits_with(0)
    };
    all("before", &["--methods", "features"]);
    let mut targets = vec![project.path("before"), project.path("data"), project.path("out")];
    targets.extend(project.find("before", "result.json").into_values());
    targets.extend(project.find("data", "micro-v1.packed").into_values());
    targets.extend(project.find("data", "shear_flow_test_0000.hdf5").into_values());
    assert_eq!(targets.len(), 6, "{targets:?}");
    let state = |project: &TestProject| {
        let folders = ["before", "data"].map(|folder| super::support::files_below(&project.path(folder)));
        folders.map(|files| files.into_values().map(|path| fs::read(path).expect("readable")).collect::<Vec<_>>())
    };
    let before = state(&project);
    let mut sibling = Command::new("sleep").arg("600").spawn().expect("starts");
    let targets = format!("prying.targets={}", serde_json::json!(targets));
    let sibling_id = format!("prying.sibling={}", sibling.id());
    let more = ["--methods", "prying,mean", "--set", &targets, "--set", &sibling_id];
    all("out", &more);
    let stopped = fs::read_to_string(format!("/proc/{}/stat", sibling.id())).expect("readable").contains(") T ");
    sibling.kill().and_then(|()| sibling.wait()).expect("ends");
    let results = project.results("out");
    let in_force = |result: &serde_json::Value| result["sandbox"].as_array().map_or(0, Vec::len) >= 3;
    let pried: Vec<_> =
        results.iter().filter(|result| result["method"].as_str().is_some_and(|m| m == "prying")).collect();
    assert_eq!(pried.len(), 2, "pretrained, and at random initialisation");
    if !pried.iter().all(|result| in_force(result)) {
        println!("SKIPPED: this kernel has no Landlock with signals, or no seccomp: {}", pried[0]["sandbox"]);
        return;
    }
    assert!(!stopped, "another process was stopped");
    assert!(before == state(&project), "files of another run or of the data were changed");
    for log in project.find("out/cells", "log.txt").into_values() {
        let log = fs::read_to_string(log).expect("readable");
        let lines = |what: &str| log.lines().filter(|line| line.starts_with("prying: ") && line.contains(what)).count();
        assert_eq!(lines("REACHED"), 0, "{log}");
        if lines("begins") > 0 {
            assert!(lines("ends") == lines("begins") && lines("refused") > 100, "{log}");
            let held = log.lines().filter_map(|line| line.strip_prefix("prying: holds "));
            let own = |held: &str| {
                ["/dev/null", "pipe:", "/memfd:clips", "/log.txt", "/proc/", "[pidfd]"]
                    .iter()
                    .any(|own| held.contains(own))
            };
            assert!(held.clone().all(own), "{:?}", held.collect::<Vec<_>>());
        }
    }
    for result in pried {
        let score = |score: &&serde_json::Value| score["probe"] == "attentive" && score["split"] == "test";
        let mut scores = result["scores"].as_array().expect("scores").iter().filter(score);
        assert!(scores.all(|score| score["mean"]["mse"].as_f64() > Some(0.5)), "{}", result["scores"]);
    }
}

#[test]
fn a_method_may_start_python() {
    let Some(python) = python("numpy") else { return };
    let folder = Path::new(python.get_program()).parent().expect("an interpreter is in a folder");
    let path = format!("{}:{}", folder.display(), env::var("PATH").unwrap_or_default());
    let project = TestProject::new();
    let more = ["--methods", "hostile", "--set", "hostile.fault=python", "--set", "hostile.place=new"];
    let mut command = project.command(project.all(Suite::Micro, HOSTILE, "out", &more));
    Output::from(command.env("PATH", path).output().expect("the program runs")).exits_with(0);
}
