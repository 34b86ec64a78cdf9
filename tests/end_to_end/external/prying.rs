//! A program reaches its clips and nothing else.

use std::{fs, process::Command};

use super::{Programs, program};
use crate::support::{files_below, replace_option};

#[test]
#[cfg(target_os = "linux")]
fn a_program_reaches_its_clips_and_nothing_else() {
    let Some(programs) = Programs::with("numpy") else { return };
    let project = &programs.project;
    let run = |out: &str, more: &[&str]| {
        let arguments = programs.all(&program("prying"), out, more);
        programs.run(&replace_option(arguments, "--data", "data"), &[]).exits_with(0)
    };
    run("before", &["--methods", "features"]);
    let mut targets = vec![project.path("before"), project.path("data"), project.path("out")];
    targets.extend(project.find("before", "result.json").into_values());
    targets.extend(project.find("data", "micro-v1.packed").into_values());
    assert_eq!(targets.len(), 5, "{targets:?}");
    let mut sibling = Command::new("sleep").arg("600").spawn().expect("starts");
    let targets = format!("prying-program.targets={}", serde_json::json!(targets));
    let sibling_id = format!("prying-program.sibling={}", sibling.id());
    run("out", &["--methods", "prying-program", "--set", &targets, "--set", &sibling_id]);
    let stopped = fs::read_to_string(format!("/proc/{}/stat", sibling.id())).expect("readable").contains(") T ");
    sibling.kill().and_then(|()| sibling.wait()).expect("ends");
    let results = project.results("out");
    if results.iter().any(|result| result["sandbox"].as_array().map_or(0, Vec::len) < 3) {
        println!("SKIPPED: this kernel has no Landlock with signals, or no seccomp: {}", results[0]["sandbox"]);
        return;
    }
    assert!(!stopped, "another process was stopped");
    let logs = programs.logs("out");
    let count = |what: &str| logs.lines().filter(|line| line.starts_with("prying: ") && line.contains(what)).count();
    assert_eq!(count("REACHED"), 0, "{logs}");
    assert!(
        count("begins") == 2 && count("ends") == 2 && count("refused") >= 2 * (5 * 5 + 2 + 3 + 2 * 6 + 1),
        "{logs}"
    );
    let mut held = logs.lines().filter_map(|line| line.strip_prefix("prying: holds "));
    let own = |held: &str| ["/dev/null", "pipe:", "/memfd:arrays", "/proc/"].iter().any(|own| held.starts_with(own));
    assert!(held.all(own), "{logs}");
    assert_eq!(files_below(&program("prying")).len(), 2, "its folder is as it was");
}
