//! `check`: what it says of a method, and that a method which crashes or hangs fails its check and nothing else.

use std::process::Stdio;

use serde_json::Value;

use crate::support::{AUTOENCODER, HOSTILE, Suite, TestProject};

/// The arguments of a check with the micro suite.
fn arguments(library: &str, more: &[&str]) -> Vec<String> {
    let suite = Suite::Micro.path().display().to_string();
    ["check", library, "--suites", &suite].iter().chain(more).map(|argument| argument.to_string()).collect()
}

#[test]
fn a_bundled_method_passes_and_json_has_what_the_text_has() {
    let project = TestProject::new();
    let more = [
        "--only",
        "name,same-seed,resume,threads,memory,suites,end-to-end,time,joint-pretraining",
        "--set",
        "autoencoder.dims=[4,4,4,4,4]",
        "--set",
        "autoencoder.num_res_blocks=[0,1,1,1,1]",
        "--set",
        "autoencoder.decoder_blocks=[1,1,1,0]",
    ];
    let arguments = arguments(&AUTOENCODER.argument(), &more);
    let text = project.run(&arguments).exits_with(0).out;
    assert!(text.starts_with("autoencoder: 9 checks\nok    name"), "{text}");
    assert!(text.contains("skip  joint-pretraining"), "{text}");
    assert!(text.contains("8 passed, 0 failed, 1 skipped"), "{text}");

    let json = project.run(arguments.into_iter().chain(["--json".into()])).exits_with(0).out;
    let report: Value = serde_json::from_str(&json).expect("JSON");
    let outcomes: Vec<&str> =
        report["checks"].as_array().expect("checks").iter().filter_map(|check| check["outcome"].as_str()).collect();
    assert_eq!(report["method"], "autoencoder");
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "passed").count(), 8, "{json}");
}

#[test]
fn a_method_that_crashes_or_hangs_fails_its_check_and_no_other() {
    let project = TestProject::new();
    let checks = "summary,falling-loss,distinct-tokens";
    let cases = [
        ("abort", "loss", "aborted"),
        ("segfault", "loss", "segmentation fault"),
        ("loop", "loss", "it did not end within 3 s"),
        ("panic", "loss", "panicked"),
    ];
    for (fault, place, said) in cases {
        let set = [format!("hostile.fault={fault}"), format!("hostile.place={place}")];
        let more = ["--only", checks, "--time", "3", "--set", &set[0], "--set", &set[1]];
        let output = project.run(arguments(&HOSTILE.argument(), &more)).exits_with(1);
        assert!(output.out.contains("2 passed, 1 failed"), "{fault}: {}", output.out);
        let line = output.out.lines().find(|line| line.starts_with("FAIL")).expect("a failure");
        assert!(line.contains("falling-loss") && line.contains(said), "{fault}: {line}");
        assert!(output.out.contains("mend: "), "{}", output.out);
    }
}

/// One cause is one failure: what needs the method to work is skipped.
#[test]
fn a_method_that_does_not_work_fails_once() {
    let project = TestProject::new();
    let set = ["--set", "hostile.fault=error", "--set", "hostile.place=new"];
    let output = project.run(arguments(&HOSTILE.argument(), &set)).exits_with(1);
    assert!(output.out.contains("FAIL  works") && output.out.contains("an error on purpose"), "{}", output.out);
    assert!(output.out.contains("2 passed, 1 failed"), "{}", output.out);
}

/// `all` tries the quick checks of a method that is new to the run before it makes data, and its cells tell the rest.
#[test]
fn all_says_which_quick_checks_fail_before_it_makes_data() {
    let project = TestProject::new();
    let set = ["--methods", "hostile", "--set", "hostile.fault=error", "--set", "hostile.place=new"];
    let output = project.run(project.all(Suite::Micro, HOSTILE, "out", &set)).exits_with(3);
    let check = output.err.find("hostile fails the check works: in creating it: an error on purpose");
    let data = output.err.find(" data: ready in");
    assert!(check.is_some() && check < data, "{}", output.err);
    assert!(output.err.contains("expected: a session opens, trains one step and encodes (physrep-bench check "));

    // Its random initialisation is finished now, of the same method and configuration.
    let one = ["--methods", "hostile"];
    project.run(project.all(Suite::Micro, HOSTILE, "fine", &one)).exits_with(0);
    let again = project.run(project.all(Suite::Micro, HOSTILE, "fine", &one)).exits_with(0);
    assert!(!again.err.contains("fails the check"), "{}", again.err);
}

/// A reader that has read enough, as `head` and pagers have, ends the program without a word.
#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let project = TestProject::new();
    for arguments in [arguments(&HOSTILE.argument(), &["--quick"]), ["list", "systems"].map(String::from).to_vec()] {
        let mut command = project.command(&arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(141), ""));
    }
}

#[test]
fn what_cannot_be_checked_is_one_line() {
    let project = TestProject::new();
    let library = HOSTILE.argument();
    let output = project.run(["check", &library, "--only", "everything"]).exits_with(2);
    assert!(output.err.contains("falling-loss"), "{}", output.err);
    output.has_one_error_line();
    let output = project.run(["check", &library, "--set", "jepa.dims=3"]).exits_with(2);
    assert!(output.err.contains("of the method hostile"), "{}", output.err);
    let output = project.run(["check", "nowhere"]).exits_with(2);
    assert!(output.err.contains("nowhere: no such folder or library"), "{}", output.err);
    project.write("text.so", "no library");
    let output = project.run(["check", "text.so"]).exits_with(1);
    assert!(output.err.contains("cannot be opened as a dynamic library"), "{}", output.err);
    output.has_one_error_line();
}
