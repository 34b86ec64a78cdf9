//! Standard streams on a full disk: an error instead of a panic.

use std::{fs::File, process::Stdio};

use super::commands;
use crate::support::{Output, TestProject};

/// A device that is always full.
const FULL: &str = "/dev/full";

fn full() -> Stdio {
    File::options().write(true).open(FULL).expect("it is there").into()
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_an_error() {
    let project = TestProject::new();
    for arguments in
        [&["list", "systems"][..], &["schema"], &["doctor"], &["--help"], &["--version"], &["data", "--help"]]
    {
        let output: Output = project.command(arguments).stdout(full()).output().expect("it runs").into();
        assert_eq!(output.code, Some(1), "{arguments:?}: {}", output.err);
        assert!(output.err.contains("No space left on device"), "{arguments:?}: {}", output.err);
    }
}

/// What a command says beside its result is lost, and nothing else.
#[test]
#[cfg(target_os = "linux")]
fn messages_that_cannot_be_written_cost_nothing_else() {
    let project = TestProject::new();
    let output: Output = project.command(commands::run().arguments).stderr(full()).output().expect("it runs").into();
    output.exits_with(0);
    let output: Output = project.command(["table", "nowhere"]).stderr(full()).output().expect("it runs").into();
    output.exits_with(2);
}
