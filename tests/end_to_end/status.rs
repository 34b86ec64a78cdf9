//! `status` of a run that is no longer running.

use std::{thread, time::Duration};

use crate::{
    interrupt::wait_for_cell,
    support::{HOSTILE, Running, Suite, TestProject},
};

/// Commands that read a run take the latest one, and say which; a run that cannot begin leaves no folder.
#[test]
fn the_latest_run_is_the_default() {
    let project = TestProject::new();
    for command in ["status", "table", "report", "tensorboard"] {
        let none = project.run([command]).exits_with(2);
        assert!(none.err.contains("there is no run in runs/ here: name the folder of one"), "{command}: {}", none.err);
    }
    let plan = |out: &str, more: &[&str]| {
        let arguments = project.all(Suite::Micro, HOSTILE, out, more);
        project.run(arguments.into_iter().map(|word| if word == "all" { "plan".into() } else { word }))
    };
    plan("runs/wrong", &["--methods", "nobody"]).exits_with(2);
    assert!(!project.path("runs").exists());

    plan("runs/b", &[]).exits_with(0);
    thread::sleep(Duration::from_millis(20));
    plan("runs/a", &[]).exits_with(0);
    let latest = project.run(["status"]).exits_with(0);
    assert!(latest.err.contains("the latest run: runs/a"), "{}", latest.err);
    assert!(latest.out.contains("waiting") && latest.out.contains("0 of 4 cells done"), "{}", latest.out);
}

#[test]
fn a_run_that_was_killed_is_told_from_one_that_is_running() {
    let project = TestProject::new();
    let more = ["--methods", "hostile", "--set", "hostile.fault=loop"];
    let running = Running::start(project.command(project.all(Suite::Micro, HOSTILE, "out", &more)));
    wait_for_cell(&project, "/state", "running");
    running.kill();
    // A cell that was just being started has the lock for as long as that takes.
    let status = || project.run(["status", "out"]).exits_with(0).out;
    let mut text = status();
    for _ in 0..100 {
        if text.contains("not running: killed") {
            break;
        }
        thread::sleep(Duration::from_millis(100));
        text = status();
    }
    assert!(text.contains("not running: killed"), "{text}");
    let nothing = project.run(["status", "nowhere"]).exits_with(2);
    assert!(nothing.err.contains("expected the folder of a run"), "{}", nothing.err);
}
