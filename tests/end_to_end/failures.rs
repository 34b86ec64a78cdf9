//! Methods that misbehave: each costs its own cell, and nothing else.

use std::fs;

use crate::support::{HOSTILE, Suite, TestProject, read_json};

/// What a fault does to its row: it fails for a reason that has this in it, or it has scores.
enum Row {
    Fails(&'static str),
    Scores,
}

use Row::{Fails, Scores};

/// The faults that end a method's process, or make it answer with an error, by the place where they happen.
const ENDS: [(&str, &str, Row); 44] = [
    ("panic", "new", Fails("panicked in create: hostile on purpose")),
    ("panic", "loss", Fails("panicked in pretrain_step: hostile on purpose")),
    ("panic", "encode", Fails("panicked in encode: hostile on purpose")),
    ("panic", "finetune", Fails("hostile on purpose")),
    ("abort", "new", Fails("its process died in start (aborted)")),
    ("abort", "loss", Fails("its process died in pretrain (aborted)")),
    ("abort", "encode", Fails("its process died in encode (aborted)")),
    ("abort", "finetune", Fails("its process died in end to end (aborted)")),
    ("exit", "new", Fails("its process died in start (exit status: 0)")),
    ("exit", "loss", Fails("its process died in pretrain (exit status: 0)")),
    ("exit", "encode", Fails("its process died in encode (exit status: 0)")),
    ("exit-3", "loss", Fails("its process died in pretrain (exit status: 3)")),
    ("kill", "loss", Fails("its process died in pretrain (killed, perhaps out of memory)")),
    ("segfault", "loss", Fails("its process died in pretrain (segmentation fault)")),
    ("fork", "loss", Fails("its process died in pretrain (segmentation fault)")),
    ("escape-pipe", "loss", Fails("it wrote to the pipe of this program: ")),
    ("illegal", "loss", Fails("its process died in pretrain (signal: 4")),
    ("divide", "loss", Fails("its process died in pretrain (signal: 8")),
    ("alarm", "loss", Fails("its process died in pretrain (signal: 14")),
    ("overflow", "loss", Fails("its process died in pretrain (segmentation fault)")),
    ("allocate", "loss", Fails("its process died in pretrain (aborted); last line of its log: memory allocation of")),
    ("done", "loss", Fails("its process died in pretrain (exit status: 0)")),
    ("orphan", "loss", Fails("its process died in pretrain (exit status: 0)")),
    ("deaf", "loss", Fails("its process died in pretrain (it closed its pipe to this program; killed)")),
    ("deaf", "encode", Fails("its process died in encode (it closed its pipe to this program; killed)")),
    ("garbage", "loss", Fails("its process died in pretrain (it wrote to the pipe of this program: ")),
    ("forgery", "loss", Fails("an answer that nobody asked for")),
    ("error", "new", Fails("an error on purpose")),
    ("error", "loss", Fails("an error on purpose")),
    ("error", "encode", Fails("an error on purpose")),
    ("novel", "loss", Fails("long long long [...]")),
    ("silence", "loss", Fails("hostile: ")),
    ("escape", "loss", Fails("=cmd|")),
    ("nan", "loss", Fails("the loss is NaN at step 0")),
    ("infinite", "loss", Fails("the loss is inf at step 0")),
    ("nan", "encode", Fails("NaN")),
    ("wider", "encode", Fails("embeddings changed from (tokens, dim) = ")),
    ("wider", "finetune", Fails("they were 8 wide when it was frozen")),
    ("fewer", "encode", Fails("returned [15, 1, 8] for 16 clips")),
    ("scalar", "encode", Fails("returned [] for 16 clips")),
    ("unused", "loss", Fails("forgotten.weight")),
    ("metric-step", "loss", Fails("metric `step`: this program records that itself")),
    ("metric-loss", "loss", Fails("metric `loss`: this program records that itself")),
    ("metric-name", "loss", Fails("expected a name of 1 to 64 printable characters")),
];

/// The faults after which a method does not answer.
const HANGS: [(&str, &str, Row); 7] = [
    ("loop", "new", Fails("no progress for 3 s in start; killed")),
    ("loop", "loss", Fails("no progress for 3 s in")),
    ("loop", "encode", Fails("no progress for 3 s in")),
    ("loop", "finetune", Fails("no progress for 3 s in end to end")),
    ("spin", "loss", Fails("no progress for 3 s in")),
    ("stop", "loss", Fails("no progress for 3 s in")),
    ("thief", "loss", Fails("no progress for 3 s in")),
];

/// What a method may do to its own process, and to nothing else.
const HARMLESS: [(&str, &str, Row); 20] = [
    (
        "batch",
        "encode",
        Fails("the embedding of a clip depends on the rest of its batch: encoded alone, it differs by"),
    ),
    ("print", "loss", Scores),
    ("flood", "loss", Scores),
    ("flood-log", "loss", Scores),
    ("chdir", "new", Scores),
    ("umask", "new", Scores),
    ("thread", "loss", Scores),
    ("scratch", "loss", Scores),
    ("daemon", "loss", Scores),
    ("environment", "new", Scores),
    ("deafness", "new", Scores),
    ("priority", "new", Scores),
    ("session", "new", Scores),
    ("limits", "new", Scores),
    ("rounding", "loss", Scores),
    ("rounding", "encode", Scores),
    ("metric-nan", "loss", Scores),
    ("metric-flood", "loss", Scores),
    ("log-flood", "loss", Scores),
    ("unsteady", "encode", Scores),
];

/// Runs the hostile plugin with each fault, all in one folder, and compares its row with the expected one. Floors are computed at first
/// and after the last fault, and must be the same.
fn misbehave(faults: &[(&str, &str, Row)]) {
    let project = TestProject::new();
    let floors = |out: &str| {
        project.run(project.all(Suite::Micro, HOSTILE, out, &["--methods", "features,mean"])).exits_with(0);
        project.results(out).into_iter().map(|record| record["scores"].clone()).collect::<Vec<_>>()
    };
    let before = floors("out");
    for (fault, place, expected) in faults {
        let set = [format!("hostile.fault={fault}"), format!("hostile.place={place}")];
        let more = ["--set", &set[0], "--set", &set[1], "--stall-timeout", "3"];
        let output = project.run(project.all(Suite::Micro, HOSTILE, "out", &more));
        let told = format!("{fault} in {place}:\n{}\n{}", output.out, output.err);
        assert!(output.out.contains("features") && output.out.contains("ridge"), "other rows are unharmed: {told}");
        assert!(!output.out.contains(['\x1b', '\x07']), "nothing reaches the terminal: {told}");
        match expected {
            Scores => {
                assert_eq!(output.code, Some(0), "{told}");
                assert!(!output.out.contains("failed: "), "{told}");
            }
            Fails(reason) => {
                assert_eq!(output.code, Some(3), "{told}");
                assert!(output.out.contains("hostile [1]"), "the row stays in the table: {told}");
                assert!(output.out.contains("[1] seed 0 failed: "), "with the reason: {told}");
                let reasons = reasons(&project);
                assert!(
                    reasons.iter().any(|found| found.contains(reason)),
                    "expected {reason:?} in {reasons:?}: {told}"
                );
            }
        }
        assert_eq!(processes_in(&project), Vec::<String>::new(), "nothing runs on: {told}");
        assert!(project.find("out", "large").is_empty(), "nothing is left: {told}");
    }
    assert_eq!(before, floors("again"), "no other row has changed");
}

/// The reasons of the failures in the run.
fn reasons(project: &TestProject) -> Vec<String> {
    let plan = read_json(&project.path("out/run.json"));
    let cells = plan["cells"].as_array().expect("cells").iter().map(|cell| cell["folder"].as_str().expect("a folder"));
    let failures =
        cells.map(|folder| project.path("out").join(folder).join("failure.json")).filter(|path| path.is_file());
    failures.map(|path| read_json(&path)["reason"].as_str().expect("a reason").to_owned()).collect()
}

/// The command lines of processes that write to a log in the project's folder.
fn processes_in(project: &TestProject) -> Vec<String> {
    let folder = project.path("out").to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let log = fs::read_link(entry.path().join("fd/2")).unwrap_or_default();
        if log.to_string_lossy().starts_with(&folder) {
            found.push(fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default());
        }
    }
    found
}

#[test]
fn a_method_that_ends_or_fails_costs_its_cells_and_the_reason_is_recorded() {
    misbehave(&ENDS);
}

#[test]
fn a_method_that_hangs_costs_its_cells_and_the_reason_is_recorded() {
    misbehave(&HANGS);
}

#[test]
fn what_a_method_does_to_its_own_process_changes_no_other_row() {
    misbehave(&HARMLESS);
}

#[test]
fn an_encoder_that_is_not_repeatable_is_flagged() {
    let project = TestProject::new();
    for (fault, flagged) in [("unsteady", true), ("none", false)] {
        let set = format!("hostile.fault={fault}");
        let more = ["--set", &set, "--set", "hostile.place=encode", "--methods", "hostile"];
        let output = project.run(project.all(Suite::Micro, HOSTILE, fault, &more)).exits_with(0);
        let note = "encoding the same clips twice gives different embeddings (every seed)";
        assert_eq!(output.out.contains(note), flagged, "{fault}:\n{}", output.out);
        for result in project.results(fault) {
            assert_eq!(result["health"]["encoding"]["repeatable"], !flagged, "{}", result["health"]);
        }
    }
}

/// A misspelt key of the command line ends the run before anything is computed or written; one of a suite, which may be meant for another
/// version of the method, fails the cell.
#[test]
fn an_unknown_key_of_a_configuration_is_named_with_the_keys_that_there_are() {
    let project = TestProject::new();
    let keys = "`hostile` has no key `speed`; it has: fault, place, slow";
    let run = |more: &[&str]| project.all(Suite::Micro, HOSTILE, "out", &[&["--methods", "hostile"], more].concat());
    let output = project.run(run(&["--set", "hostile.speed=3"])).exits_with(2);
    assert!(output.err.contains(keys), "{}", output.err);
    assert!(!project.path("out/run.json").exists());
    let suite = Suite::Micro.text() + "\n[methods.hostile]\nspeed = 3\n";
    let output = project.run(project.with_suite(run(&[]), "suite.toml", &suite)).exits_with(3);
    assert!(output.err.contains(keys), "{}", output.err);
}
