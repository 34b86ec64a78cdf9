//! The same seed gives the same bytes: after SIGKILL, and for any number of threads.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::support::{
    HOSTILE, JEPA, Running, Suite, TestProject, files_below, kill_at_next_checkpoint, micro_run, read_json, wait_until,
};

/// What must not depend on when or how fast a cell ran: the bytes of its state, embeddings and curves, and its scores.
type Outcome = ([Vec<u8>; 3], Value);

/// The outcomes of the pretrained cells of a run.
fn outcomes(run: &Path) -> BTreeMap<PathBuf, Outcome> {
    let mut results = files_below(run);
    results.retain(|name, _| name.ends_with("result.json") && !name.to_string_lossy().contains("random"));
    assert!(!results.is_empty(), "{} has results", run.display());
    let read = |path: PathBuf| fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let outcome = |path: &Path| {
        let files = ["state.safetensors", "embeddings.safetensors", "curves.jsonl"];
        (files.map(|file| read(path.with_file_name(file))), read_json(path)["scores"].clone())
    };
    results.into_iter().map(|(name, path)| (name, outcome(&path))).collect()
}

#[test]
fn a_killed_cell_resumes_and_ends_with_the_same_bytes() {
    let project = TestProject::new();
    // With noise, so that the objective draws random numbers at every step, and with more steps than there are kills.
    let text = Suite::Micro.text().replace("samples = 24", "samples = 64");
    let arguments = |out: &str, more: &[&str]| {
        let set = ["--methods", "jepa", "--set", "jepa.noise=0.1", "--set", "jepa.training.accumulate=2"];
        project.with_suite(project.all(Suite::Micro, JEPA, out, &[&set, more].concat()), "suite.toml", &text)
    };
    project.run(arguments("whole", &[])).exits_with(0);

    // SIGKILL for the supervisor and its worker, each time after a later checkpoint.
    let killed = arguments("killed", &["--checkpoint-every", "0"]);
    let steps: Vec<_> = (0..3).map_while(|_| kill_at_next_checkpoint(&project, &killed, "killed")).collect();
    assert!(steps.len() >= 2 && steps.is_sorted_by(|a, b| a < b), "killed at the checkpoints of steps {steps:?}");
    project.run(arguments("killed", &[])).exits_with(0);
    let [whole, killed] = ["whole", "killed"].map(|out| outcomes(&project.path(out)));
    assert!(whole == killed, "the resumed cell ends with the bytes of the undisturbed one");
}

#[test]
fn two_runs_cannot_use_one_folder() {
    let project = TestProject::new();
    let more = ["--methods", "hostile", "--set", "hostile.fault=loop"];
    let arguments = project.all(Suite::Micro, HOSTILE, "out", &more);
    let first = Running::start(project.command(&arguments));
    wait_until("the first cell", || !project.find("out", "cell.json").is_empty());
    let output = project.run(&arguments).exits_with(1);
    first.kill();
    assert!(output.err.contains("another run is using this folder"), "{}", output.err);
}

#[test]
fn threads_do_not_change_a_byte() {
    let project = TestProject::new();
    project.run(project.all(Suite::Micro, JEPA, "three", &["--threads", "3", "--jobs", "2"])).exits_with(0);
    let one = micro_run(0); // with one thread
    assert_eq!(project.scores(one), project.scores("three"));
    for file in ["state.safetensors", "embeddings.safetensors", "curves.jsonl"] {
        assert!(project.bytes(one, file) == project.bytes("three", file), "{file} is the same for 1 and 3 threads");
    }
}
