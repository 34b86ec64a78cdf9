//! Ctrl-C during a run.

use std::fs;

use serde_json::Value;

use crate::support::{HOSTILE, JEPA, Running, Suite, TestProject, micro_run, read_json, wait_until};

/// The output of `status --json` on a run.
pub fn status(project: &TestProject, out: &str) -> Value {
    serde_json::from_str(&project.run(["status", out, "--json"]).exits_with(0).out).expect("JSON")
}

/// Waits until a cell's `key` is `value` in the state that the run in `out` has written.
pub fn wait_for_cell(project: &TestProject, key: &str, value: &str) {
    wait_until(&format!("a cell with {key} {value}"), || {
        let text = fs::read(project.path("out/status.json")).unwrap_or_default();
        let status: Value = serde_json::from_slice(&text).unwrap_or_default();
        status["cells"]
            .as_array()
            .is_some_and(|cells| cells.iter().any(|cell| cell.pointer(key).is_some_and(|found| found == value)))
    });
}

#[test]
fn an_interrupted_run_leaves_a_checkpoint_and_resumes_with_the_same_bytes() {
    let project = TestProject::new();
    let arguments = project.all(Suite::Micro, JEPA, "out", &["--methods", "jepa"]);
    let running = Running::start(project.command(&arguments));
    wait_until("the first steps", || {
        let curves = project.find("out", "curves.jsonl");
        curves.values().any(|path| fs::metadata(path).is_ok_and(|file| file.len() > 0))
    });
    running.interrupt();
    let output = running.output();
    assert_eq!(output.code, Some(130), "{}", output.err);
    assert!(output.err.contains("interrupted; run the same command again to resume"), "{}", output.err);
    assert!(project.find("out", "failure.json").is_empty(), "an interrupt is not a failure");
    assert!(!project.path("out/table.md").exists());
    assert_eq!(status(&project, "out")["state"], "interrupted");
    let text = project.run(["status", "out"]).exits_with(0).out;
    assert!(text.contains("interrupted at") && text.contains("0 of 2 cells done"), "{text}");

    project.run(&arguments).exits_with(0);
    let whole = |name: &str| {
        let mut files = project.find(micro_run(0), name);
        files.retain(|path, _| path.to_string_lossy().contains("jepa"));
        files
    };
    for file in ["state.safetensors", "curves.jsonl", "embeddings.safetensors"] {
        let read = |path| fs::read(path).expect("readable");
        let expected: Vec<Vec<u8>> = whole(file).into_values().map(read).collect();
        assert!(!expected.is_empty() && expected == project.bytes("out", file), "{file}");
    }
    let expected: Vec<Value> = whole("result.json").values().map(|path| read_json(path)["scores"].clone()).collect();
    assert_eq!(expected, project.scores("out"));
    let after = status(&project, "out");
    assert_eq!(after["state"], "finished");
    assert!(after["cells"].as_array().expect("cells").iter().all(|cell| cell["state"] == "done"), "{after}");
}

#[test]
fn a_plugin_that_does_not_return_is_killed_and_its_cell_has_not_failed() {
    let project = TestProject::new();
    let more = ["--methods", "hostile", "--set", "hostile.fault=loop"];
    let running = Running::start(project.command(project.all(Suite::Micro, HOSTILE, "out", &more)));
    wait_for_cell(&project, "/progress/phase", "pretrain");
    let text = project.run(["status", "out"]).exits_with(0).out;
    assert!(text.contains("running in process"), "{text}");
    running.interrupt();
    let output = running.output();
    assert_eq!(output.code, Some(130), "{}", output.err);
    assert!(project.find("out", "failure.json").is_empty());
}
