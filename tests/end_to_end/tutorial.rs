//! docs/tutorial.md: its commands run as they stand there, and print what it says.

use std::{env, fs, path::Path, process::Command};

use crate::support::{Output, python, root};

/// A command of the tutorial, and the lines that it is said to print.
struct Step {
    command: String,
    printed: Vec<String>,
}

fn steps() -> Vec<Step> {
    let text = fs::read_to_string(root().join("docs/tutorial.md")).expect("readable");
    let mut steps: Vec<Step> = Vec::new();
    for block in text.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap_or_default().lines() {
            match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => steps.push(Step { command: command.to_owned(), printed: Vec::new() }),
                (None, Some(step)) => step.printed.push(line.to_owned()),
                (None, None) => panic!("{line:?} is printed by no command"),
            }
        }
    }
    steps
}

/// Words for how two numbers compare.
const VERDICTS: [&str; 5] = ["better", "worse", "not", "significantly", "different"];

/// A line without its numbers, which differ from processor to processor, what follows from them and what is as wide as they are.
fn shape(line: &str) -> String {
    let parts = line.split(|c: char| c.is_whitespace() || "─┬┼┴═╪│┆".contains(c));
    let parts = parts.filter(|part| !part.is_empty() && !VERDICTS.contains(part)).map(|part| {
        let number = part.trim_start_matches(['+', '-', '(']).starts_with(|c: char| c.is_ascii_digit());
        if number { "0" } else { part }
    });
    parts.collect::<Vec<_>>().join(" ")
}

/// The first of the lines `printed` that is not in `text`, in their order.
fn missing<'s>(printed: &'s [String], text: &str) -> Option<&'s String> {
    let mut lines = text.lines().map(shape);
    printed.iter().filter(|line| *line != "…" && !shape(line).is_empty()).find(|line| {
        let wanted = shape(line);
        !lines.any(|line| line == wanted)
    })
}

/// Runs a command in a shell, with the program and the Python that has numpy on `PATH`.
fn run(command: &str, python: &Command, folder: &Path) -> Output {
    let programs = [Path::new(env!("CARGO_BIN_EXE_physrep-bench")), Path::new(python.get_program())];
    let folders = programs.iter().filter_map(|program| program.parent()).map(Path::to_owned);
    let before = env::var_os("PATH").unwrap_or_default();
    let path = folders.chain(env::split_paths(&before));
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(folder).env("PATH", env::join_paths(path).expect("a path"));
    shell.env("PHYSREP_DATA", folder.join("user-data")).env("PHYSREP_CUDA_DRIVER", "none");
    shell.output().expect("a shell").into()
}

#[test]
fn the_tutorial_does_what_it_says() {
    let Some(python) = python("numpy") else { return };
    // In the checkout, so that the crate in Rust shares the SDK that is built already.
    let folder = tempfile::tempdir_in(root().join("target")).expect("a folder");
    let steps = steps();
    assert!(steps.len() > 12 && steps.iter().any(|step| step.command.contains("submit")), "the whole tutorial is read");
    for step in &steps {
        let output = run(&step.command, &python, folder.path());
        assert_eq!(output.code, Some(0), "$ {}\n{}\n{}", step.command, output.out, output.err);
        let missing = missing(&step.printed, &output.out);
        assert!(missing.is_none(), "$ {}\nlacks {missing:?}:\n{}", step.command, output.out);
    }
}
