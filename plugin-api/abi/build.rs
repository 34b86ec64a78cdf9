//! Refuses compilers that are known to miscompile the tables that host and plugin call each other through.

use std::process::Command;

/// Versions of rustc, and why they are refused.
const REFUSED: &[(&str, &str)] =
    &[("1.98.0", "it miscompiles some trait-object vtables (rust-lang/rust#161441, fixed in 1.98.1)")];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=RUSTC");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let Ok(output) = Command::new(&rustc).arg("--version").output() else {
        return; // cargo reports a missing compiler itself
    };
    // "rustc 1.95.0 (59807616e 2026-04-14)"; a beta or nightly has a suffix, as in "1.98.0-beta.2".
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split_whitespace().nth(1).and_then(|word| word.split('-').next()).unwrap_or_default();
    if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == version) {
        eprintln!("error: rustc {version} is refused: {why}. Install another toolchain: `rustup update stable`.");
        std::process::exit(1);
    }
}
