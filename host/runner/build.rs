//! Records the git revision and the compiler that the program is built with.

use std::process::Command;

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .filter(|text| !text.is_empty())
}

fn main() {
    let revision = output("git", &["describe", "--always", "--dirty", "--abbrev=12"]);
    let rustc = output(&std::env::var("RUSTC").unwrap_or("rustc".into()), &["--version"]);
    for (name, value) in [("PHYSREP_GIT_REVISION", revision), ("PHYSREP_RUSTC", rustc)] {
        println!("cargo:rustc-env={name}={}", value.as_deref().unwrap_or("unknown"));
    }
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src");
    for file in ["logs/HEAD"] {
        if let Some(path) = output("git", &["rev-parse", "--git-path", file]) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
}
