//! The same seed gives the same bytes: after SIGKILL, and for any number of threads.

#![cfg(unix)]

mod bench;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::CommandExt,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use bench::Bench;
use serde_json::Value;

const JEPA: &str = "plugins/jepa";

/// What must not depend on when or how fast a cell ran: the bytes of its state, embeddings and curves, and its scores.
type Outcome = ([Vec<u8>; 3], Value);

/// The outcomes of the pretrained cells under `out`.
fn outcome(bench: &Bench, out: &str) -> BTreeMap<PathBuf, Outcome> {
    let results = pretrained(bench, out);
    assert!(!results.is_empty(), "{out} has results");
    let read = |path: PathBuf| fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    results
        .into_iter()
        .map(|(name, path)| {
            let of = |file: &str| read(path.with_file_name(file));
            let scores = bench::read_json(&path)["readings"].clone();
            (name, (["state.safetensors", "embeddings.safetensors", "curves.jsonl"].map(of), scores))
        })
        .collect()
}

/// Only JEPA, with noise so that its objective draws random numbers at every step.
fn arguments(bench: &Bench, out: &str, more: &[&str]) -> Vec<String> {
    let mut all = vec!["--methods", "jepa", "--set", "jepa.noise=0.1", "--set", "jepa.training.accumulate=2"];
    all.extend(more);
    bench.all(JEPA, out, &all)
}

/// The results of pretrained cells under `out`.
fn pretrained(bench: &Bench, out: &str) -> BTreeMap<PathBuf, PathBuf> {
    let mut cells = bench.find(out, "result.json");
    cells.retain(|name, _| !name.to_string_lossy().contains("random"));
    cells
}

#[test]
fn a_killed_cell_goes_on_and_ends_with_the_same_bytes() {
    let bench = Bench::new();
    bench.run(arguments(&bench, "whole", &[])).ended_with(0);
    let expected = outcome(&bench, "whole");

    // Killed with SIGKILL, the supervisor and its worker, at the first checkpoint, three times over or until it is faster
    // than the signal.
    let killed = arguments(&bench, "killed", &["--checkpoint-every", "0"]);
    let kills = (0..3).take_while(|_| bench.kill_at_checkpoint(&killed, "killed")).count();
    assert!(kills > 0, "at least one attempt was killed before its end");
    bench.run(arguments(&bench, "killed", &[])).ended_with(0);
    assert!(expected == outcome(&bench, "killed"), "the resumed cell ends with the bytes of the one left alone");
}

#[test]
fn two_runs_do_not_work_in_one_folder() {
    let bench = Bench::new();
    let slow = ["--methods", "hostile", "--set", "hostile.fault=loop"];
    let mut first =
        bench.command(bench.all("tests/plugins/hostile", "out", &slow)).process_group(0).spawn().expect("runs");
    let patience = Instant::now();
    while bench.find("out", "cell.json").is_empty() && patience.elapsed() < Duration::from_secs(120) {
        thread::sleep(Duration::from_millis(10));
    }
    let said = bench.run(bench.all("tests/plugins/hostile", "out", &slow)).ended_with(1);
    // SAFETY: a signal to the group that was made for the child.
    unsafe { libc::kill(-(first.id() as i32), libc::SIGKILL) };
    first.wait().expect("waitable");
    assert!(said.err.contains("another run is at work here"), "{}", said.err);
}

#[test]
fn threads_do_not_change_a_byte() {
    let bench = Bench::new();
    bench.run(bench.all(JEPA, "one", &["--threads", "1"])).ended_with(0);
    bench.run(bench.all(JEPA, "three", &["--threads", "3", "--jobs", "2"])).ended_with(0);
    let scores = |out: &str| -> Vec<Value> { bench.results(out).iter().map(|r| r["readings"].clone()).collect() };
    assert_eq!(scores("one"), scores("three"));
    for file in ["state.safetensors", "embeddings.safetensors", "curves.jsonl"] {
        let bytes = |out: &str| -> Vec<Vec<u8>> {
            bench.find(out, file).into_values().map(|path| fs::read(path).expect("readable")).collect()
        };
        assert!(bytes("one") == bytes("three"), "{file} is the same for 1 and 3 threads");
    }
}
