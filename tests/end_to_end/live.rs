//! What there is to look at while a run goes on.

use std::fs;

use crate::support::{HOSTILE, Running, Suite, TestProject, wait_until};

#[test]
fn scores_and_report_are_there_before_a_run_ends() {
    let project = TestProject::new();
    let more = ["--methods", "hostile,mean", "--set", "hostile.fault=loop", "--jobs", "2"];
    let running = Running::start(project.command(project.all(Suite::Micro, HOSTILE, "out", &more)));
    let page = || fs::read_to_string(project.path("out/report/report.html")).unwrap_or_default();
    // The random initialisation and the floor have results; the pretrained encoder never will.
    wait_until("a report of both", || page().contains("1 cell has no result yet"));
    assert!(page().contains("http-equiv=\"refresh\" content=\"10\""), "the page loads itself again");
    assert!(!project.path("out/table.md").exists(), "the tables are those of a run that has ended");

    let scores = "test error so far, attentive probe (1 = predicting the mean)";
    let status = project.run(["status", "out"]).exits_with(0).out;
    assert!(status.contains("running in process") && status.contains(scores), "{status}");
    assert!(status.lines().any(|line| line.trim_start().starts_with("mean ")), "{status}");

    running.interrupt();
    let output = running.output();
    assert_eq!(output.code, Some(130), "{}", output.err);
    assert!(output.err.contains(scores), "{}", output.err);
    let after = page();
    assert!(
        !after.contains("http-equiv=\"refresh\"") && after.contains("1 cell has no result<"),
        "the page of its end"
    );
}
