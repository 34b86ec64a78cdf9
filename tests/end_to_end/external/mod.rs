//! Methods in another process: what holds for methods in Rust holds for them.

mod cells;
mod examples;
mod messages;
mod misbehaving;
mod package;
mod paper_jepa;
mod prying;
mod resume;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{HOSTILE, Output, Suite, TestProject, python, replace_option, root};

/// A project in which programs of the tests are methods.
struct Programs {
    project: TestProject,
    /// PATH with a Python that has numpy in front.
    path: String,
}

impl Programs {
    /// None, with a line that says so, without a Python that has `modules`.
    fn with(modules: &str) -> Option<Self> {
        let python = python(modules)?;
        let folder = Path::new(python.get_program()).parent().expect("a program is in a folder").to_owned();
        let path = format!("{}:{}", folder.display(), env::var("PATH").unwrap_or_default());
        // The library that starts programs is built once, with those of the other plugins.
        HOSTILE.library();
        Some(Self { project: TestProject::new(), path })
    }

    /// The arguments of `all` on the micro suite with the method in `folder`.
    fn all(&self, folder: &Path, out: &str, more: &[&str]) -> Vec<String> {
        let arguments = self.project.all(Suite::Micro, HOSTILE, out, more);
        replace_option(arguments, "--plugins", &folder.display().to_string())
    }

    /// The program with these arguments, and variables that reach the method.
    fn command(&self, arguments: &[String], variables: &[(&str, &str)]) -> Command {
        let mut command = self.project.command(arguments);
        command.env("PATH", &self.path).envs(variables.iter().copied());
        command
    }

    fn run(&self, arguments: &[String], variables: &[(&str, &str)]) -> Output {
        self.command(arguments, variables).output().expect("the program runs").into()
    }

    /// The processes of methods of this project: their numbers and command lines.
    fn processes(&self) -> Vec<(i32, String)> {
        let scratch = format!("TMPDIR={}", self.project.path("").display());
        let mut found = Vec::new();
        for process in fs::read_dir("/proc").expect("processes").flatten() {
            let environment = fs::read(process.path().join("environ")).unwrap_or_default();
            let id = process.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some(id) = id.filter(|_| String::from_utf8_lossy(&environment).contains(&scratch)) {
                found.push((id, fs::read_to_string(process.path().join("cmdline")).unwrap_or_default()));
            }
        }
        found
    }

    /// The logs of the cells of a run.
    fn logs(&self, out: &str) -> String {
        let logs = self.project.find(format!("{out}/cells"), "log.txt");
        logs.into_values().map(|log| fs::read_to_string(log).expect("readable")).collect()
    }
}

/// The folder of a program of the tests.
fn program(name: &str) -> PathBuf {
    root().join("tests/programs").join(name)
}

/// The folder of an example of the package `physrep`.
fn example(name: &str) -> PathBuf {
    root().join("plugin-api/python/examples").join(name)
}
