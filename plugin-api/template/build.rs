//! Puts the revision of these sources into the records of the method's runs.

use std::process::Command;

fn main() {
    let revision = Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=12"]).output();
    if let Ok(output) = revision
        && output.status.success()
    {
        println!("cargo:rustc-env=PHYSREP_METHOD_REVISION={}", String::from_utf8_lossy(&output.stdout).trim());
    }
}
