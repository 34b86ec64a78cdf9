//! The package `physrep` by itself.

use crate::support::{python, root};

#[test]
fn the_tests_of_the_package_pass() {
    let Some(mut python) = python("numpy") else { return };
    let package = root().join("plugin-api/python");
    let command = python.args(["-m", "unittest", "discover", "-s", "tests"]).current_dir(&package);
    let output = command.env("PYTHONPATH", &package).env("PYTHONDONTWRITEBYTECODE", "1").output().expect("runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("OK"), "{told}");
}

#[test]
fn a_program_says_what_starts_it() {
    let Some(mut python) = python("numpy") else { return };
    let code = "import physrep; physrep.run(physrep.Method)";
    let command = python.args(["-c", code]).env("PYTHONPATH", root().join("plugin-api/python"));
    let output = command.env("PYTHONDONTWRITEBYTECODE", "1").output().expect("runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("`physrep-bench all --plugins FOLDER` starts it"), "{told}");
}
