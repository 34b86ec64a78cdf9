//! `submit` and `leaderboard`: published runs.

use std::fs;

use serde_json::Value;

use crate::support::{HOSTILE, Suite, TestProject, micro_run, root};

/// A copy of published results, a folder of them or all.
pub fn copy(project: &TestProject, results: &str) {
    project.copy(&root().join(results), results);
    for method in ["autoencoder", "disco", "jepa", "mpp", "videomae"] {
        let readme = format!("plugins/{method}/README.md");
        fs::create_dir_all(project.path(format!("plugins/{method}"))).expect("writable");
        fs::copy(root().join(&readme), project.path(&readme)).expect("copied");
    }
    fs::create_dir_all(project.path("docs")).expect("writable");
    fs::copy(root().join("docs/features.md"), project.path("docs/features.md")).expect("copied");
}

#[test]
fn the_published_leaderboard_is_what_its_records_give() {
    let project = TestProject::new();
    copy(&project, "results");
    project.run(["leaderboard", "results"]).exits_with(0);
    let page = fs::read_to_string(project.path("results/leaderboard.html")).expect("a page");
    let published = fs::read_to_string(root().join("results/leaderboard.html")).expect("a page");
    assert!(page == published, "run `physrep-bench leaderboard results`, and commit results/leaderboard.html");
    for link in
        ["href=\"tiny-v5/report/report.html\"", "href=\"../plugins/jepa/README.md\"", "href=\"../docs/features.md\""]
    {
        assert!(page.contains(link), "{link}");
    }
}

#[test]
fn a_submission_is_a_run_with_cards_and_fills_the_leaderboard() {
    let project = TestProject::new();
    copy(&project, "results/tiny-v5");
    // A floor alone, of a suite that everybody has; the cell is run again.
    let run = ["all", "--suite", "first", "--methods", "mean", "--out", "run", "--device", "cpu", "--plugins"];
    project.run(run.iter().copied().chain([HOSTILE.argument().as_str()])).exits_with(0);
    let submit = ["submit", "run", "--out", "results/mine", "--device", "cpu", "--plugins"];
    let output = project.run(submit.iter().copied().chain([HOSTILE.argument().as_str()])).exits_with(0);
    assert!(output.out.contains("running again: mean on shear_flow, seed 0"), "{}", output.out);
    let made: Value =
        serde_json::from_slice(&fs::read(project.path("results/mine/submission.json")).expect("there")).expect("JSON");
    assert_eq!(
        (&made["verified"][0]["agrees"], &made["verified"][0]["largest_difference"]),
        (&true.into(), &0.0.into())
    );
    for file in ["run.json", "table.md", "scores.csv", "report/report.html"] {
        assert!(project.path("results/mine").join(file).is_file(), "{file}");
    }
    project.run(["submit", "--check", "results/mine"]).exits_with(0);

    // A published run sent again, as one with a fresh draw would be: each method has a card. Those of others have to be written.
    let again = ["submit", "results/tiny-v5", "--out", "results/again", "--verify", "0"];
    project.run(again).exits_with(0);
    let card = project.path("results/again/methods/videomae.md");
    let text = fs::read_to_string(&card).expect("a card");
    assert!(text.contains("| suite | tiny v5 |") && text.contains("| tuning trials | 16 |"), "{text}");
    project.run(["submit", "--check", "results/again"]).exits_with(0);
    fs::write(&card, format!("TO BE WRITTEN: {text}")).expect("writable");
    let refused = project.run(["submit", "--check", "results/again"]).exits_with(1);
    assert!(refused.err.contains("expected a description of the method"), "{}", refused.err);
    fs::write(&card, text).expect("writable");
    project.run(["leaderboard", "results"]).exits_with(0);
    let page = fs::read_to_string(project.path("results/leaderboard.html")).expect("a page");
    assert!(page.contains("href=\"again/methods/videomae.md\"") && page.contains("id=\"first-v1\""), "all folders");
}

#[test]
fn what_nobody_else_could_compare_or_what_was_changed_is_refused() {
    let project = TestProject::new();
    let refused = |arguments: &[&str], reason: &str| {
        let output = project.run(arguments).exits_with(if reason.contains("digest") { 1 } else { 2 });
        assert!(output.err.contains(reason), "{arguments:?}: {}", output.err);
        assert!(!project.path("out").exists(), "{arguments:?}");
    };
    let own = micro_run(0).display().to_string();
    refused(&["submit", &own, "--out", "out"], "expected results of a suite that everybody has");
    let plan = project.all(Suite::Micro, HOSTILE, "planned", &["--methods", "mean"]);
    project.run(plan.iter().map(|word| if word == "all" { "plan" } else { word })).exits_with(0);
    refused(&["submit", "planned", "--out", "out"], "1 of 1 cells were not run");
    fs::create_dir(project.path("empty")).expect("writable");
    refused(&["leaderboard", "empty"], "expected folders with a run.json");
    refused(&["submit", "planned"], "--out");
    copy(&project, "results/tiny-v5");
    let record = project.find("results", "result.json.gz").into_values().next().expect("a record");
    let mut bytes = fs::read(&record).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&record, bytes).expect("writable");
    let output = project.run(["leaderboard", "results"]).exits_with(1);
    assert!(output.err.contains("result.json.gz"), "{}", output.err);
}
