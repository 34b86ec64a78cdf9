//! A folder in which the program runs, as in a user's project.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use physrep_records::sealed::sealed;
use serde_json::Value;
use tempfile::TempDir;

use super::{HOSTILE, Output, Plugin, fixture, shared_folder::shared_folder};

/// A suite of the tests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// One system.
    Micro,
    /// Two systems, and joint pretraining.
    Pair,
}

impl Suite {
    fn name(self) -> &'static str {
        match self {
            Self::Micro => "micro",
            Self::Pair => "pair",
        }
    }

    /// The suite's file.
    pub fn path(self) -> PathBuf {
        fixture(&format!("suites/{}.toml", self.name()))
    }

    /// The suite's text.
    pub fn text(self) -> String {
        fs::read_to_string(self.path()).expect("readable")
    }

    /// The suite's data, generated and packed once for all tests, which must not change it.
    pub fn data(self) -> &'static Path {
        static MICRO: LazyLock<PathBuf> = LazyLock::new(|| generate(Suite::Micro));
        static PAIR: LazyLock<PathBuf> = LazyLock::new(|| generate(Suite::Pair));
        match self {
            Self::Micro => &MICRO,
            Self::Pair => &PAIR,
        }
    }
}

/// Generates a suite's data by the shortest run there is.
fn generate(suite: Suite) -> PathBuf {
    let (project, data) = (TestProject::new(), shared_folder().join(suite.name()));
    let (suite, plugin) = (suite.path().display().to_string(), HOSTILE.argument());
    let arguments = ["all", "--suite", &suite, "--plugins", &plugin, "--out", "out", "--methods", "mean", "--data"];
    project.run(arguments.into_iter().map(String::from).chain([data.display().to_string()])).exits_with(0);
    data
}

/// A temporary folder with the program to run in it.
pub struct TestProject {
    folder: TempDir,
}

impl TestProject {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program with these arguments, in this folder. Without a CUDA driver: most tests are about the CPU.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_physrep-bench"));
        command.args(arguments).current_dir(self.folder.path());
        command.env("PHYSREP_CUDA_DRIVER", "none").env("PHYSREP_DATA", self.folder.path());
        command
    }

    /// Runs the program with these arguments.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        self.command(arguments).output().expect("the program runs").into()
    }

    /// The arguments of `all` on a suite's shared data, with a plugin, results in `out`.
    pub fn all(&self, suite: Suite, plugin: Plugin, out: &str, more: &[&str]) -> Vec<String> {
        let [file, data] = [suite.path().display(), suite.data().display()].map(|path| path.to_string());
        let arguments = ["all", "--suite", &file, "--data", &data, "--plugins", &plugin.argument(), "--out", out];
        arguments.iter().chain(more).map(|argument| argument.to_string()).collect()
    }

    /// The same arguments with the suite `text`, which is written to `file`.
    pub fn with_suite(&self, arguments: Vec<String>, file: &str, text: &str) -> Vec<String> {
        self.write(file, text);
        replace_option(arguments, "--suite", &format!("./{file}"))
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).expect("writable");
    }

    /// Copies a finished run, or any other folder, to `name` so that it can be changed.
    pub fn copy(&self, folder: &Path, name: &str) {
        for (path, file) in files_below(folder) {
            let target = self.path(name).join(path);
            fs::create_dir_all(target.parent().expect("a folder")).expect("writable");
            fs::copy(file, target).expect("copied");
        }
    }

    /// All files called `name` under `folder`, in this project or anywhere, by their path below it.
    pub fn find(&self, folder: impl AsRef<Path>, name: &str) -> BTreeMap<PathBuf, PathBuf> {
        let mut found = files_below(&self.path(folder));
        found.retain(|path, _| path.file_name().is_some_and(|file| file == name));
        found
    }

    /// The bytes of all files called `name` under `folder`, in order of their paths.
    pub fn bytes(&self, folder: impl AsRef<Path>, name: &str) -> Vec<Vec<u8>> {
        self.find(folder, name).into_values().map(|path| fs::read(path).expect("readable")).collect()
    }

    /// The records of all finished cells under `out`.
    pub fn results(&self, out: impl AsRef<Path>) -> Vec<Value> {
        self.find(out, "result.json").values().map(|path| read_json(path)).collect()
    }

    /// The scores of all finished cells under `out`.
    pub fn scores(&self, out: impl AsRef<Path>) -> Vec<Value> {
        self.results(out).iter().map(|result| result["scores"].clone()).collect()
    }

    /// Applies `change` to the first record of a run; gives its path.
    pub fn edit_first_record(&self, run: &str, change: impl Fn(&mut Value)) -> PathBuf {
        let (_, path) = self.find(run, "result.json").pop_first().expect("a record");
        let mut record = read_json(&path);
        change(&mut record);
        write_sealed(&path, &record);
        path
    }
}

/// Writes a record with the digest of what it holds now.
pub fn write_sealed(path: &Path, record: &Value) {
    fs::write(path, sealed(record.to_string().into_bytes())).expect("writable");
}

/// The same arguments with another value of an option.
pub fn replace_option(mut arguments: Vec<String>, option: &str, value: &str) -> Vec<String> {
    let at = arguments.iter().position(|argument| argument == option).expect("the option is there");
    arguments[at + 1] = value.to_owned();
    arguments
}

/// All files under `folder`, by their path below it; none if it is not there.
pub fn files_below(folder: &Path) -> BTreeMap<PathBuf, PathBuf> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("readable").path();
        let name = PathBuf::from(path.file_name().expect("a name"));
        if path.is_dir() {
            found.extend(files_below(&path).into_iter().map(|(below, file)| (name.join(below), file)));
        } else {
            found.insert(name, path);
        }
    }
    found
}

pub fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("readable")).expect("JSON")
}
