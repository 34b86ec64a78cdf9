//! Ctrl-C in mid-run, and how a run stands.

#![cfg(unix)]

mod bench;

use std::{
    os::unix::process::CommandExt,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use bench::Bench;
use serde_json::Value;

/// Starts the program in a group of its own, as a shell does.
fn start(bench: &Bench, arguments: &[String]) -> Child {
    let mut command = bench.command(arguments);
    command.process_group(0).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program runs")
}

/// Waits until `met`, as long as it takes to be sure that it never is.
#[track_caller]
fn wait_until(what: &str, mut met: impl FnMut() -> bool) {
    let patience = Instant::now();
    while !met() {
        assert!(patience.elapsed() < Duration::from_secs(240), "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn interrupt(child: &Child) {
    // SAFETY: a signal to the group that was made for the child.
    unsafe { libc::kill(-(child.id() as i32), libc::SIGINT) };
}

/// What `status --json` says of the run in `out`.
fn status(bench: &Bench, out: &str) -> Value {
    serde_json::from_str(&bench.run(["status", out, "--json"]).ended_with(0).out).expect("JSON")
}

#[test]
fn an_interrupted_run_leaves_a_checkpoint_and_goes_on_with_the_same_bytes() {
    let bench = Bench::new();
    let arguments = |out: &str| bench.all("plugins/jepa", out, &["--methods", "jepa"]);
    bench.run(arguments("whole")).ended_with(0);

    let child = start(&bench, &arguments("out"));
    wait_until("the first steps", || {
        bench.find("out", "curves.jsonl").values().any(|path| std::fs::metadata(path).is_ok_and(|file| file.len() > 0))
    });
    interrupt(&child);
    let said: bench::Said = child.wait_with_output().expect("an end").into();
    assert_eq!(said.code, Some(130), "{}", said.err);
    assert!(said.err.contains("interrupted; the same command goes on"), "{}", said.err);
    assert!(bench.find("out", "failure.json").is_empty(), "to be interrupted is no failure");
    assert!(!bench.path("out/table.md").exists());
    assert_eq!(status(&bench, "out")["state"], "interrupted");
    let text = bench.run(["status", "out"]).ended_with(0).out;
    assert!(text.contains("interrupted at") && text.contains("0 of 2 cells done"), "{text}");

    bench.run(arguments("out")).ended_with(0);
    for file in ["state.safetensors", "curves.jsonl", "embeddings.safetensors"] {
        let bytes = |out: &str| -> Vec<Vec<u8>> {
            bench.find(out, file).into_values().map(|path| std::fs::read(path).expect("readable")).collect()
        };
        assert!(bytes("whole") == bytes("out"), "{file}");
    }
    let readings = |out: &str| -> Vec<Value> { bench.results(out).iter().map(|r| r["readings"].clone()).collect() };
    assert_eq!(readings("whole"), readings("out"));
    let after = status(&bench, "out");
    assert_eq!(after["state"], "finished");
    assert!(after["cells"].as_array().expect("cells").iter().all(|cell| cell["state"] == "done"), "{after}");
}

#[test]
fn a_plugin_that_does_not_listen_is_killed_and_its_cell_has_not_failed() {
    let bench = Bench::new();
    let more = ["--methods", "hostile", "--set", "hostile.fault=loop"];
    let child = start(&bench, &bench.all("tests/plugins/hostile", "out", &more));
    wait_until("a running cell", || {
        let text = std::fs::read(bench.path("out/status.json")).unwrap_or_default();
        let status: Value = serde_json::from_slice(&text).unwrap_or_default();
        status["cells"].as_array().is_some_and(|cells| cells.iter().any(|cell| cell["phase"] == "pretrain"))
    });
    let text = bench.run(["status", "out"]).ended_with(0).out;
    assert!(text.contains("running in process"), "{text}");
    interrupt(&child);
    let said: bench::Said = child.wait_with_output().expect("an end").into();
    assert_eq!(said.code, Some(130), "{}", said.err);
    assert!(bench.find("out", "failure.json").is_empty());
}

#[test]
fn a_run_that_was_cut_off_is_told_from_one_that_goes_on() {
    let bench = Bench::new();
    let more = ["--methods", "hostile", "--set", "hostile.fault=loop"];
    let mut child = start(&bench, &bench.all("tests/plugins/hostile", "out", &more));
    wait_until("a running cell", || {
        let text = std::fs::read(bench.path("out/status.json")).unwrap_or_default();
        let status: Value = serde_json::from_slice(&text).unwrap_or_default();
        status["cells"].as_array().is_some_and(|cells| cells.iter().any(|cell| cell["state"] == "running"))
    });
    // SAFETY: a signal to the group that was made for the child.
    unsafe { libc::kill(-(child.id() as i32), libc::SIGKILL) };
    child.wait().expect("waitable");
    let text = bench.run(["status", "out"]).ended_with(0).out;
    assert!(text.contains("not running: it was cut off"), "{text}");
    let nothing = bench.run(["status", "nowhere"]).ended_with(2);
    assert!(nothing.err.contains("expected the folder of a run"), "{}", nothing.err);
}
