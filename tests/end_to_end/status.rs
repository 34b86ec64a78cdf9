//! `status` of a run that is no longer running.

use std::{thread, time::Duration};

use crate::{
    interrupt::wait_for_cell,
    support::{HOSTILE, Running, Suite, TestProject},
};

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
