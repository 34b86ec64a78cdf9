//! A run as tasks that anything may start: `plan --format commands`, and `cell`.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::support::{
    HOSTILE, MPP, Output, Running, Suite, TestProject, assert_same_outcome, micro_run, outcome, replace_option,
    wait_until,
};

/// The arguments of `plan` for those of `all`.
fn plan(arguments: Vec<String>, more: &[&str]) -> Vec<String> {
    let words = arguments.into_iter().map(|word| if word == "all" { "plan".into() } else { word });
    words.chain(more.iter().map(|word| (*word).to_owned())).collect()
}

#[test]
fn the_commands_of_a_plan_make_the_run_that_all_makes() {
    let project = TestProject::new();
    let data = project.path("data").display().to_string();
    let arguments = |out: &str| replace_option(project.all(Suite::Pair, MPP, out, &[]), "--data", &data);
    let commands = plan(arguments("out"), &["--format", "commands"]);
    let text = project.run(&commands).exits_with(0).out;
    let stages: Vec<&str> = text.lines().filter(|line| line.starts_with("# ")).collect();
    let order = ["data", "plan", "joint-pretraining", "joint-cells", "cells", "tables"];
    assert_eq!(stages.len(), order.len(), "{text}");
    assert!(stages.iter().zip(order).all(|(line, stage)| line.starts_with(&format!("# {stage}"))), "{text}");
    assert!(!project.path("out").exists() && !project.path("data").exists(), "nothing is prepared");
    assert!(text.contains("pretrains on 24 windows") && text.contains("pretrains on 48 windows"), "{text}");

    let mut shell = Command::new("bash");
    shell.args(["-e", "-c", &text]).current_dir(project.path("")).env("PHYSREP_DATA", project.path(""));
    Output::from(shell.env("PHYSREP_CUDA_DRIVER", "none").output().expect("a shell")).exits_with(0);
    let after = project.run(&commands).exits_with(0).out;
    assert!(after.lines().all(|line| line.starts_with('#')), "all is done: {after}");

    project.run(arguments("whole")).exits_with(0); // on the data that the commands have made
    assert_same_outcome(&project.path("out"), &outcome(&project.path("whole")), "by commands");
    let scores = |run: &str| fs::read_to_string(project.path(run).join("scores.csv")).expect("readable");
    assert_eq!(scores("out"), scores("whole"));

    // What is left to do is estimated by what was done.
    let more = plan(arguments("out"), &["--format", "commands", "--seeds", "0,1", "--stage", "cells"]);
    let text = project.run(more).exits_with(0).out;
    assert!(text.starts_with("# cells") && text.contains("# about "), "{text}");
    assert!(text.contains("# done: shear_flow/mpp/seed0") && text.contains("cell shear_flow/mpp/seed1"), "{text}");
}

#[test]
fn a_cell_that_always_dies_is_tried_as_often_as_stated_and_stands_with_its_reason() {
    let project = TestProject::new();
    let more = ["--methods", "hostile", "--set", "hostile.fault=segfault"];
    project.run(plan(project.all(Suite::Micro, HOSTILE, "out", &more), &[])).exits_with(0);
    let cell =
        |attempts: &str| project.run(["cell", "shear_flow/hostile/seed0", "--run", "out", "--attempts", attempts]);
    let output = cell("2").exits_with(1);
    assert_eq!(output.err.matches("; again").count(), 2, "{}", output.err);
    let reason = fs::read_to_string(project.find("out", "failure.json").values().next().expect("a failure"));
    let reason = reason.expect("readable");
    assert!(reason.contains("2 attempts came to nothing") && reason.contains("segmentation fault"), "{reason}");
    let table = project.run(["table", "out"]).exits_with(0).out;
    assert!(table.contains("2 attempts came to nothing"), "{table}");
}

/// Whichever processes of a task a scheduler signals, it leaves a checkpoint, and an exit code that says that it is to be run again.
#[test]
fn a_signal_to_any_process_of_a_task_leaves_a_checkpoint() {
    for to_all in [false, true] {
        let project = TestProject::new();
        let more = ["--methods", "hostile", "--set", "hostile.slow=500"];
        project.run(plan(project.all(Suite::Micro, HOSTILE, "out", &more), &[])).exits_with(0);
        let watched =
            ["cell", "shear_flow/hostile/seed0", "--run", "out", "--attempts", "1", "--checkpoint-every", "3600"];
        let running = Running::start(project.command(watched));
        let has_steps = || {
            project.find("out", "curves.jsonl").values().any(|path| fs::metadata(path).is_ok_and(|file| file.len() > 0))
        };
        wait_until("the first steps", has_steps);
        if to_all {
            running.signal_all(libc::SIGUSR1)
        } else {
            running.signal_children(libc::SIGTERM)
        }
        let output = running.output().exits_with(130);
        assert!(!project.find("out", "checkpoint.bin").is_empty(), "to all: {to_all}: {}", output.err);
        assert!(project.find("out", "failure.json").is_empty(), "to all: {to_all}");
    }
}

/// A machine that vanishes leaves nobody who could say how an attempt ended.
#[test]
fn attempts_whose_watcher_vanishes_count_too() {
    let project = TestProject::new();
    let more = ["--methods", "hostile", "--set", "hostile.fault=loop"];
    project.run(plan(project.all(Suite::Micro, HOSTILE, "out", &more), &[])).exits_with(0);
    let arguments = ["cell", "shear_flow/hostile/seed0", "--run", "out", "--attempts", "2"];
    for attempt in 1..=2 {
        let running = Running::start(project.command(arguments));
        let found =
            || project.find("out", "attempts.json").into_values().next().and_then(|path| fs::read_to_string(path).ok());
        wait_until("the attempt", || found().is_some_and(|text| text.matches("started").count() == attempt));
        running.kill();
    }
    let output = project.run(arguments).exits_with(1);
    assert!(output.err.contains("2 attempts came to nothing") && output.err.contains("vanished"), "{}", output.err);
}

/// Two nodes whose file system has no locks: whoever removes the files of locks has the same.
#[test]
fn a_cell_that_runs_twice_at_once_is_published_once_with_the_same_bytes() {
    let project = TestProject::new();
    let whole = micro_run(0);
    let arguments = project.all(Suite::Micro, crate::support::JEPA, "out", &["--seeds", "0"]);
    project.run(plan(arguments, &[])).exits_with(0);
    let start = |checkpoints: &str| {
        let watched =
            ["cell", "shear_flow/jepa/seed0", "--run", "out", "--attempts", "5", "--checkpoint-every", checkpoints];
        Running::start(project.command(watched))
    };
    let mut both = Vec::new();
    for checkpoints in ["0", "0.05", "3600"] {
        both.push(start(checkpoints));
        wait_until("its locks", || !project.find("out", ".task").is_empty());
        thread::sleep(Duration::from_millis(300));
        for path in [".task", ".lock"].iter().flat_map(|name| project.find("out/cells", name).into_values()) {
            // It may have ended by now.
            let _ = fs::remove_file(path);
        }
    }
    for running in both {
        running.output().exits_with(0);
    }
    let mut expected = outcome(whole);
    expected.retain(|path, _| path.to_string_lossy().contains("/jepa/"));
    let mut found = outcome(&project.path("out"));
    found.retain(|path, _| path.to_string_lossy().contains("/jepa/"));
    let names: Vec<_> = found.keys().map(|path| path.file_name().expect("a name").to_owned()).collect();
    assert_eq!(found.len(), expected.len(), "{names:?}");
    for ((name, content), expected) in found.iter().zip(expected.values()) {
        assert!(name.ends_with("cell.json") || content == expected, "{}", name.display());
    }
}

/// Many processes on one data folder that is empty.
#[test]
fn one_process_generates_and_packs_and_the_others_wait_and_say_for_whom() {
    let project = TestProject::new();
    let started: Vec<Running> = (0..4)
        .map(|number| {
            let arguments = project.all(Suite::Micro, HOSTILE, &format!("out{number}"), &["--methods", "mean"]);
            Running::start(project.command(replace_option(arguments, "--data", "data")))
        })
        .collect();
    let outputs: Vec<Output> = started.into_iter().map(|running| running.output().exits_with(0)).collect();
    let waited = outputs.iter().filter(|output| output.err.contains("waiting for process")).count();
    assert!(waited > 0, "nobody waited: {}", outputs[0].err);
    assert_eq!(project.find("data", "micro-v1.packed").len(), 1);
    assert!(project.find("data", "lock").is_empty() && project.find("data", "micro-v1.packing").is_empty());
}

/// As a shared folder of data on a cluster is mounted.
#[test]
#[cfg(target_os = "linux")]
fn data_that_cannot_be_written_is_packed_into_the_cache() {
    let project = TestProject::new();
    let suite = Suite::Micro.path().display().to_string();
    project.run(["data", "generate", "shear_flow", "--suite", &suite, "--out", "data"]).exits_with(0);
    let read_only = |arguments: Vec<String>| {
        let mut command = Command::new("unshare");
        let mount = "mount --bind data data && mount -o remount,ro,bind data && exec \"$0\" \"$@\"";
        command.args(["-m", "bash", "-c", mount, env!("CARGO_BIN_EXE_physrep-bench")]).args(arguments);
        command.current_dir(project.path("")).env("PHYSREP_DATA", project.path("user")).stdin(Stdio::null());
        Output::from(command.env("PHYSREP_CUDA_DRIVER", "none").output().expect("it runs"))
    };
    let probe = Command::new("unshare").args(["-m", "true"]).stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        println!("SKIPPED: no mount can be made here");
        return;
    }
    let all = |out: &str, more: &[&str]| {
        replace_option(
            project.all(Suite::Micro, HOSTILE, out, &[&["--methods", "mean"][..], more].concat()),
            "--data",
            "data",
        )
    };
    read_only(all("out", &[])).exits_with(0);
    assert_eq!(project.find("user/packed", "micro-v1.packed").len(), 1);
    read_only(all("named", &["--cache", "cache"])).exits_with(0);
    assert_eq!(project.find("cache", "micro-v1.packed").len(), 1);
    let error = read_only(all("refused", &["--cache", "data"])).exits_with(1);
    assert!(error.err.contains("--cache"), "{}", error.err);
    assert_eq!(project.scores("out"), project.scores("named"));
}
