//! Writes that failed and did harm, until there was a test.

use std::fs;

use super::commands;
use crate::support::TestProject;
#[cfg(target_os = "linux")]
use crate::support::failing_calls::{self, Action, Fault};

/// Curves that cannot be rewritten for a checkpoint say nothing against it.
#[test]
fn a_checkpoint_is_no_damage_because_something_cannot_be_written() {
    let command = commands::resumed_run();
    let project = TestProject::new();
    project.copy(command.before.as_deref().expect("a run with a checkpoint"), ".");
    let (_, checkpoint) = project.find("out", "checkpoint.bin").pop_first().expect("a checkpoint");
    let curves = checkpoint.with_file_name("curves.jsonl");
    let lines = fs::read(&curves).expect("there are curves");
    fs::remove_file(&curves).expect("removable");
    fs::create_dir(&curves).expect("a folder that no file can replace");
    let output = project.run(&command.arguments).exits_with(3);
    assert!(output.err.contains("curves.jsonl: Is a directory"), "{}", output.err);

    fs::remove_dir(&curves).expect("removable");
    fs::write(&curves, lines).expect("writable");
    project.run(&command.arguments).exits_with(0);
    assert!(project.find("out", "checkpoint.bin.damaged").is_empty());
}

/// A folder with half of what it should hold was refused the next time.
#[test]
#[cfg(target_os = "linux")]
fn what_merge_and_new_cannot_finish_is_removed() {
    for command in commands::others().into_iter().filter(|command| command.once) {
        let project = TestProject::new();
        let folder = fs::canonicalize(project.path("")).expect("it is there");
        let fault = Fault { action: Action::Rename, call: 2, stays: true, error: libc::ENOSPC };
        let Some(first) = failing_calls::run(command.in_project(&project), &folder, Some(fault)) else { return };
        let err = first.output.exits_with(1).err;
        assert!(err.contains("No space left on device") && err.contains("free some space"), "{err}");
        assert!(!project.path(command.writes[0]).exists(), "{:?}", command.arguments);
        project.run(&command.arguments).exits_with(0);
    }
}

/// The sources that `new` unpacks are written by a library whose errors do not say why.
#[test]
#[cfg(target_os = "linux")]
fn sources_that_cannot_be_unpacked_say_why() {
    let project = TestProject::new();
    let folder = fs::canonicalize(project.path("")).expect("it is there");
    let fault = Fault { action: Action::Create, call: 20, stays: true, error: libc::ENOSPC };
    let Some(first) = failing_calls::run(project.command(["new", "mine"]), &folder, Some(fault)) else { return };
    let err = first.output.exits_with(1).err;
    assert!(err.contains("sdk") && err.contains("No space left on device"), "{err}");
}
