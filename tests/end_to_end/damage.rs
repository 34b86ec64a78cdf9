//! A flipped bit or a lost end of any file of a run or of its data is harmless, or noticed and made again.
//!
//! `PHYSREP_DAMAGE` sets how many places of each file are tried; the default is small.

use std::{env, ffi::OsStr, fs, path::Path, sync::LazyLock};

use crate::support::{HOSTILE, Suite, TestProject, files_below, kill_at_next_checkpoint};

/// The places of each file that are tried.
fn places() -> usize {
    env::var("PHYSREP_DAMAGE").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// The arguments of the run that is damaged, into `out`, of data in `data`.
fn arguments() -> Vec<String> {
    let suite = Suite::Micro.path().display().to_string();
    let plugin = HOSTILE.argument();
    let text = ["all", "--suite", &suite, "--plugins", &plugin, "--data", "data", "--out", "out", "--threads", "1"];
    text.map(String::from).to_vec()
}

/// A finished run `out` and its data `data`.
static WHOLE: LazyLock<TestProject> = LazyLock::new(|| {
    let project = TestProject::new();
    project.run(arguments()).exits_with(0);
    project
});

/// Makes `out` and `data` what they are in a finished run.
fn restore(project: &TestProject) {
    for folder in ["out", "data"] {
        let _ = fs::remove_dir_all(project.path(folder));
        project.copy(&WHOLE.path(folder), folder);
    }
}

/// The file with one bit flipped, or without its end: the `index`-th of `count` damages.
fn damaged(whole: &[u8], index: usize, count: usize) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let at = ((2 * index + 1) * whole.len() / (2 * count)).min(whole.len().saturating_sub(1));
    match index % 4 {
        3 => bytes.truncate(at),
        bit => bytes[at] ^= 1 << (2 * bit),
    }
    bytes
}

/// Damages each file below `folder` that `is_tried`, lets `prepare` make the run use it, and runs the same command twice: the first either
/// succeeds or names what is damaged, and after the second the scores are those of before.
fn sweep(folder: &str, is_tried: impl Fn(&Path) -> bool, prepare: impl Fn(&TestProject)) {
    let project = TestProject::new();
    restore(&project);
    let scores = fs::read(project.path("out/scores.csv")).expect("scores");
    let files: Vec<_> = files_below(&project.path(folder)).into_keys().filter(|file| is_tried(file)).collect();
    assert!(!files.is_empty(), "{folder}");
    let (mut tried, mut next_command) = (0, 0);
    for file in &files {
        let path = project.path(folder).join(file);
        for index in 0..places() {
            restore(&project);
            prepare(&project);
            let whole = fs::read(&path).expect("a file of the run");
            if whole.is_empty() {
                continue;
            }
            fs::write(&path, damaged(&whole, index, places())).expect("writable");
            let place = format!("{}, damage {index}", file.display());
            tried += 1;
            let first = project.run(arguments());
            assert!(matches!(first.code, Some(0..=3)), "{place}: {:?} {}", first.code, first.err);
            if first.code != Some(0) {
                let name = file.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
                assert!(first.err.contains(&*name) || first.err.contains("damaged"), "{place}: {}", first.err);
                project.run(arguments()).exits_with(0);
                next_command += 1;
            }
            let found = fs::read(project.path("out/scores.csv")).expect("scores");
            assert!(found == scores, "{place}: other scores; {}", first.err);
        }
    }
    println!(
        "{tried} damages of {} files of {folder}: {next_command} named, and mended by the next command",
        files.len()
    );
}

/// What is made from the rest at every command, and what nothing is computed from.
fn is_derived(file: &Path) -> bool {
    let name = file.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    file.starts_with("report") || ["table.md", "table.tex", "scores.csv", "log.txt", ".lock"].contains(&&*name)
}

fn remove(project: &TestProject, names: &[&str]) {
    for path in names.iter().flat_map(|name| project.find("out", name).into_values()) {
        fs::remove_file(path).expect("removable");
    }
}

#[test]
fn of_a_finished_run() {
    sweep("out", |file| !is_derived(file), |_| ());
}

/// Embeddings are used again if there is no record.
#[test]
fn of_embeddings() {
    let is_tried = |file: &Path| file.to_string_lossy().contains("/embeddings.");
    sweep("out", is_tried, |project| remove(project, &["result.json"]));
}

/// A pretraining is used again if there are no embeddings.
#[test]
fn of_pretrainings() {
    let names = ["pretraining.json", "state.safetensors", "curves.jsonl"];
    let is_tried = |file: &Path| names.iter().any(|name| file.ends_with(name));
    sweep("out", is_tried, |project| remove(project, &["result.json", "embeddings.json"]));
}

/// Packed data is used by every cell that has no record.
#[test]
fn of_packed_data() {
    let is_tried = |file: &Path| file.extension().is_some_and(|extension| extension == "packed");
    sweep("data", is_tried, |project| remove(project, &["result.json", "embeddings.json", "pretraining.json"]));
}

/// Other data is used where nothing is packed.
#[test]
fn of_generated_data() {
    let is_packed = |file: &Path| file.extension().is_some_and(|extension| extension == "packed");
    let is_tried = |file: &Path| !is_packed(file) && !file.ends_with(".lock");
    sweep("data", is_tried, |project| {
        for path in files_below(&project.path("data")).into_values().filter(|path| is_packed(path)) {
            fs::remove_file(path).expect("removable");
        }
        remove(project, &["result.json", "embeddings.json", "pretraining.json"]);
    });
}

/// A checkpoint or curves that are damaged cost the steps before, and no other byte.
#[test]
fn of_a_checkpoint() {
    let project = TestProject::new();
    let arguments = |out: &str| project.all(Suite::Micro, HOSTILE, out, &["--methods", "hostile"]);
    project.run(arguments("whole")).exits_with(0);
    let state = project.bytes("whole", "state.safetensors");
    for file in ["checkpoint.bin", "curves.jsonl"] {
        let slowly: Vec<String> =
            arguments(file).into_iter().chain(["--checkpoint-every", "0"].map(String::from)).collect();
        assert!(kill_at_next_checkpoint(&project, &slowly, file).is_some(), "there is a checkpoint");
        let (_, path) = project.find(file, file).pop_first().expect("a file of a pretraining");
        let whole = fs::read(&path).expect("readable");
        // A digit of the first line of curves, the last byte of a state.
        let (at, bit) = if file == "curves.jsonl" {
            (whole.iter().position(|b| *b == b'.').expect("a number") + 1, 1)
        } else {
            (whole.len() - 1, 1)
        };
        let mut bytes = whole.clone();
        bytes[at] ^= bit;
        fs::write(&path, bytes).expect("writable");
        project.run(arguments(file)).exits_with(0);
        assert_eq!(project.find(file, "checkpoint.bin.damaged").len(), 1, "{file}");
        assert!(project.bytes(file, "state.safetensors") == state, "{file}: another state");
    }
}
