//! The commands of which writes fail.

use std::{path::PathBuf, process, sync::LazyLock};

use crate::{
    data::fetch,
    elsewhere, submit,
    support::{Array, HOSTILE, Suite, TestProject, hub::Hub, kill_at_next_checkpoint, root, write_tensors},
};

/// A command, and what it writes.
pub struct Command {
    pub arguments: Vec<String>,
    /// Its files and folders.
    pub writes: &'static [&'static str],
    /// Whether it refuses to replace them.
    pub once: bool,
    /// A folder with those that are there before.
    pub before: Option<PathBuf>,
    /// Variables of its environment.
    pub environment: Vec<(&'static str, String)>,
}

impl Command {
    fn new(arguments: &[&str], writes: &'static [&'static str]) -> Self {
        Self {
            arguments: arguments.iter().map(|argument| argument.to_string()).collect(),
            writes,
            once: false,
            before: None,
            environment: Vec::new(),
        }
    }

    fn once(self) -> Self {
        Self { once: true, ..self }
    }

    fn with_settings(mut self, more: &[&str]) -> Self {
        self.arguments.extend(more.iter().map(|argument| argument.to_string()));
        self
    }

    /// It, in a project.
    pub fn in_project(&self, project: &TestProject) -> process::Command {
        let mut command = project.command(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// A run that solves a system, packs it, and trains with a checkpoint after each step.
pub fn run() -> Command {
    let (suite, plugin) = (Suite::Micro.path().display().to_string(), HOSTILE.argument());
    let arguments = ["all", "--suite", &suite, "--plugins", &plugin, "--data", "data", "--out", "out"];
    Command::new(&arguments, &["data", "out"]).with_settings(&IN_TURN)
}

/// One thing after the other, and a checkpoint after each step.
const IN_TURN: [&str; 6] = ["--threads", "1", "--jobs", "1", "--checkpoint-every", "0"];

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

/// A server with published data.
static HUB: LazyLock<Hub> = LazyLock::new(fetch::hub);

/// Fetches published data.
fn data_fetch() -> Command {
    let arguments = ["data", "fetch", "shear_flow", "--out", "wells", "--retry-wait", "0.01"];
    let hub = format!("http://127.0.0.1:{}/", HUB.port);
    Command { environment: vec![("HF_ENDPOINT", hub)], ..Command::new(&arguments, &["wells"]) }
}

/// Tunes with a single trial.
fn tune() -> Command {
    static RANGES: LazyLock<TestProject> = LazyLock::new(TestProject::new);
    RANGES.write("ranges.toml", "slow = { integer = [0, 1] }\n");
    let [ranges, suite, data] =
        [RANGES.path("ranges.toml"), Suite::Micro.path(), WHOLE.path("data")].map(|path| path.display().to_string());
    let arguments = ["tune", "hostile", "--ranges", &ranges, "--trials", "1", "--suite", &suite, "--data", &data];
    Command::new(&arguments, &["out"])
        .with_settings(&["--out", "out", "--plugins", &HOSTILE.argument()])
        .with_settings(&IN_TURN)
}

/// Embeds a clip with the encoder of the finished run.
fn encode() -> Command {
    static CLIP: LazyLock<TestProject> = LazyLock::new(TestProject::new);
    let clip = CLIP.path("clip.safetensors");
    let shape = vec![1, 4, 16, 16, 32];
    write_tensors(&clip, "input", &Array { values: vec![0.5; shape.iter().product()], shape });
    let (_, state) = WHOLE.find("out", "state.safetensors").pop_first().expect("a pretrained encoder");
    let [state, clip] = [state, clip].map(|path| path.display().to_string());
    let arguments = ["encode", "--method", "hostile", "--checkpoint", &state, "--input", &clip];
    Command::new(&arguments, &["embedding.safetensors"]).with_settings(&[
        "--output",
        "embedding.safetensors",
        "--plugins",
        &HOSTILE.argument(),
    ])
}

/// Scores embeddings that were made elsewhere.
fn score() -> Command {
    static EMBEDDINGS: LazyLock<TestProject> = LazyLock::new(TestProject::new);
    let file = EMBEDDINGS.path("shear_flow.safetensors");
    elsewhere::write_moments(&file);
    let [file, suite, data] = [file, Suite::Micro.path(), WHOLE.path("data")].map(|path| path.display().to_string());
    let arguments = ["score", &file, "--suite", &suite, "--data", &data, "--out", "out", "--name", "dinov2"];
    Command::new(&arguments, &["out"]).with_settings(&["--threads", "1"])
}

/// Publishes a run, and makes the page of all.
fn publishing() -> [Command; 2] {
    static PUBLISHED: LazyLock<TestProject> = LazyLock::new(TestProject::new);
    let run = root().join("results/tiny-v5");
    if !PUBLISHED.path("results").exists() {
        submit::copy(&PUBLISHED, "results/tiny-v5");
    }
    let submit = ["submit", &run.display().to_string(), "--out", "mine", "--verify", "0"];
    let leaderboard = Command::new(&["leaderboard", "results"], &["results"]);
    [Command::new(&submit, &["mine"]).once(), Command { before: Some(PUBLISHED.path("")), ..leaderboard }]
}

/// Commands that write something else.
pub fn others() -> Vec<Command> {
    let [run, data] = ["out", "data"].map(|name| WHOLE.path(name).display().to_string());
    let (suite, plugin) = (Suite::Micro.path().display().to_string(), HOSTILE.argument());
    let pack = ["data", "pack", "shear_flow", "--suite", &suite, "--data", &data, "--out", "shear_flow.packed"];
    let [submit, leaderboard] = publishing();
    vec![
        data_fetch(),
        tune(),
        encode(),
        score(),
        submit,
        leaderboard,
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
