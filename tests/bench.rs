//! Runs the program as a user would, in a folder of its own.

// Each test target uses a part of this.
#![allow(dead_code)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with a program to run in it.
pub struct Bench {
    folder: TempDir,
}

/// What the program said, and how it ended.
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Said {
    /// The same, if the program ended with `code`.
    #[track_caller]
    pub fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit code; it said:\n{}\n{}", self.out, self.err);
        self
    }
}

/// The checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("host lies in the checkout").to_owned()
}

/// The path of `tests/{name}`.
pub fn fixture(name: &str) -> PathBuf {
    root().join("tests").join(name)
}

impl Bench {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program with these arguments.
    pub fn command<S: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_physrep-bench"));
        // On a machine with a card, too, these tests are about the CPU.
        command.args(arguments).current_dir(self.folder.path()).env("PHYSREP_CUDA_DRIVER", "none");
        command
    }

    pub fn run<S: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Said {
        self.command(arguments).output().expect("the program runs").into()
    }

    /// The arguments of `all` on the micro suite with the plugin crate `plugin`, results in `out`.
    pub fn all(&self, plugin: &str, out: &str, more: &[&str]) -> Vec<String> {
        self.all_of("micro", plugin, out, more)
    }

    /// The arguments of `all` on the suite `suite` of the tests.
    pub fn all_of(&self, suite: &str, plugin: &str, out: &str, more: &[&str]) -> Vec<String> {
        let mut arguments: Vec<String> = ["all", "--data", "data", "--suite"].map(String::from).to_vec();
        arguments.push(fixture(&format!("suites/{suite}.toml")).display().to_string());
        arguments.push("--plugins".into());
        arguments.push(root().join(plugin).display().to_string());
        arguments.extend(["--out".into(), out.into()]);
        arguments.extend(more.iter().map(|s| s.to_string()));
        arguments
    }

    /// All files named `name` under `folder`, by their path below it.
    pub fn find(&self, folder: &str, name: &str) -> BTreeMap<PathBuf, PathBuf> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            let Ok(entries) = fs::read_dir(folder) else { return };
            for path in entries.map(|entry| entry.expect("readable").path()) {
                if path.is_dir() { walk(&path, found) } else { found.push(path) }
            }
        }
        let base = self.path(folder);
        let mut found = Vec::new();
        walk(&base, &mut found);
        let named = found.into_iter().filter(|path| path.file_name().is_some_and(|f| f == name));
        named.map(|path| (path.strip_prefix(&base).expect("below").to_owned(), path)).collect()
    }

    /// Starts the program and kills it with SIGKILL, with the processes that it has started, at the first checkpoint under
    /// `folder` that it writes. Whether there was one before it ended by itself.
    #[cfg(unix)]
    pub fn kill_at_checkpoint<S: AsRef<std::ffi::OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        folder: &str,
    ) -> bool {
        use std::os::unix::process::CommandExt;
        let quiet = || std::process::Stdio::null();
        let mut command = self.command(arguments);
        let mut child = command.process_group(0).stdout(quiet()).stderr(quiet()).spawn().expect("the program runs");
        let before = self.steps(folder).unwrap_or(0);
        let patience = std::time::Instant::now();
        let mut written = false;
        while !written && child.try_wait().expect("waitable").is_none() {
            assert!(patience.elapsed().as_secs() < 120, "a checkpoint is written");
            std::thread::sleep(std::time::Duration::from_millis(2));
            written = self.steps(folder).is_some_and(|steps| steps > before);
        }
        // SAFETY: a signal to the group that was made for the child.
        unsafe { libc::kill(-(child.id() as i32), libc::SIGKILL) };
        child.wait().expect("waitable");
        written
    }

    /// The steps that the checkpoint under `folder` has done, if there is one.
    fn steps(&self, folder: &str) -> Option<u64> {
        let (_, file) = self.find(folder, "checkpoint.bin").pop_first()?;
        let bytes = fs::read(file).ok()?;
        Some(u64::from_le_bytes(bytes.get(8..16)?.try_into().ok()?))
    }

    /// The records of all finished cells under `out`.
    pub fn results(&self, out: &str) -> Vec<Value> {
        let files = self.find(out, "result.json");
        files.values().map(|path| read_json(path)).collect()
    }
}

/// A Python that has the modules, if there is one: `PHYSREP_PYTHON`, or `python3`. Says so if there is none: what needs it is skipped.
pub fn python(modules: &str) -> Option<Command> {
    let program = std::env::var_os("PHYSREP_PYTHON").unwrap_or_else(|| "python3".into());
    let import = format!("import {modules}");
    let has = Command::new(&program).args(["-c", &import]).output().is_ok_and(|output| output.status.success());
    if !has {
        println!("SKIPPED: {} cannot {import}", program.display());
    }
    has.then(|| Command::new(program))
}

pub fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("readable")).expect("JSON")
}
