//! The commands of which writes fail.

use std::{path::PathBuf, sync::LazyLock};

use crate::support::{HOSTILE, Suite, TestProject, kill_at_next_checkpoint};

/// A command, and what it writes.
pub struct Command {
    pub arguments: Vec<String>,
    /// Its files and folders.
    pub writes: &'static [&'static str],
    /// Whether it refuses to replace them.
    pub once: bool,
    /// A folder with those that are there before.
    pub before: Option<PathBuf>,
}

impl Command {
    fn new(arguments: &[&str], writes: &'static [&'static str]) -> Self {
        Self {
            arguments: arguments.iter().map(|argument| argument.to_string()).collect(),
            writes,
            once: false,
            before: None,
        }
    }

    fn once(self) -> Self {
        Self { once: true, ..self }
    }
}

/// A run that solves a system, packs it, and trains with a checkpoint after each step.
pub fn run() -> Command {
    let (suite, plugin) = (Suite::Micro.path().display().to_string(), HOSTILE.argument());
    let arguments = ["all", "--suite", &suite, "--plugins", &plugin, "--data", "data", "--out", "out"];
    let settings = ["--threads", "1", "--jobs", "1", "--checkpoint-every", "0"];
    Command::new(&[&arguments[..], &settings].concat(), &["data", "out"])
}

/// A finished run for commands that read one.
static WHOLE: LazyLock<TestProject> = LazyLock::new(|| {
    let project = TestProject::new();
    project.run(run().arguments).exits_with(0);
    project
});

/// The same run, which goes on from a checkpoint.
pub fn resumed_run() -> Command {
    static KILLED: LazyLock<TestProject> = LazyLock::new(TestProject::new);
    let mut command = run();
    command.arguments.extend(["--set", "hostile.slow=20"].map(String::from));
    kill_at_next_checkpoint(&KILLED, &command.arguments, "out").expect("a checkpoint");
    Command { before: Some(KILLED.path("")), ..command }
}

/// Commands that write something else.
pub fn others() -> Vec<Command> {
    let [run, data] = ["out", "data"].map(|name| WHOLE.path(name).display().to_string());
    let (suite, plugin) = (Suite::Micro.path().display().to_string(), HOSTILE.argument());
    let pack = ["data", "pack", "shear_flow", "--suite", &suite, "--data", &data, "--out", "shear_flow.packed"];
    vec![
        Command::new(&["data", "generate", "shear_flow", "--suite", &suite, "--out", "data"], &["data"]),
        Command::new(&pack, &["shear_flow.packed"]),
        Command::new(
            &["data", "show", "shear_flow", "--suite", &suite, "--out", "shear_flow.png"],
            &["shear_flow.png"],
        ),
        Command::new(&["plan", "--suite", &suite, "--plugins", &plugin, "--data", &data, "--out", "out"], &["out"]),
        Command::new(&["export-windows", "--suite", &suite, "--data", &data, "--out", "windows"], &["windows"]),
        Command::new(&["merge", "merged", &run], &["merged"]).once(),
        Command::new(&["report", &run, "--out", "report"], &["report"]),
        Command::new(&["table", &run, "--format", "csv", "--out", "table.csv"], &["table.csv"]),
        Command::new(&["tensorboard", &run, "--out", "events"], &["events"]),
        Command::new(&["new", "in-rust"], &["in-rust", "sdk"]).once(),
        Command::new(&["new", "in-python", "--python"], &["in-python"]).once(),
    ]
}
