//! A run of a method in another process that is stopped in any way and resumed ends with the same bytes.

use super::{Programs, program};
use crate::support::{Running, Suite, wait_until};

#[test]
fn a_killed_cell_resumes_and_ends_with_the_same_bytes() {
    let Some(programs) = Programs::with("numpy") else { return };
    let text = Suite::Micro.text().replace("samples = 24", "samples = 96");
    let arguments = |out: &str, more: &[&str]| {
        let arguments = programs.all(&program("misbehaving"), out, &[&["--methods", "misbehaving"], more].concat());
        programs.project.with_suite(arguments, "suite.toml", &text)
    };
    programs.run(&arguments("whole", &[]), &[]).exits_with(0);
    let killed = arguments("killed", &["--checkpoint-every", "0"]);
    for _ in 0..3 {
        let before = programs.project.bytes("killed", "checkpoint.bin");
        let mut running = Running::start(programs.command(&killed, &[("SLOW", "0.05")]));
        wait_until("a later checkpoint", || {
            let checkpoint = programs.project.bytes("killed", "checkpoint.bin");
            (!checkpoint.is_empty() && checkpoint != before) || running.has_ended()
        });
        assert!(!running.has_ended(), "it is killed before its end");
        running.kill();
    }
    programs.run(&arguments("killed", &[]), &[]).exits_with(0);
    for file in ["state.safetensors", "embeddings.safetensors", "curves.jsonl"] {
        let bytes = |out: &str| programs.project.bytes(out, file);
        assert!(
            bytes("whole") == bytes("killed"),
            "the resumed cell ends with the bytes of the undisturbed one in {file}"
        );
    }
    assert_eq!(programs.project.scores("whole"), programs.project.scores("killed"));
}

/// Schedulers signal every process of a job.
#[test]
fn a_signal_to_every_process_leaves_a_checkpoint() {
    let Some(programs) = Programs::with("numpy") else { return };
    let arguments =
        programs.all(&program("misbehaving"), "out", &["--methods", "misbehaving", "--checkpoint-every", "3600"]);
    let running = Running::start(programs.command(&arguments, &[("SLOW", "0.5")]));
    let curves = || programs.project.bytes("out", "curves.jsonl");
    wait_until("the first steps", || curves().iter().any(|curve| !curve.is_empty()));
    let methods = programs.processes();
    assert!(methods.len() >= 2, "the process of a method and its program: {methods:?}");
    for (id, _) in methods {
        // SAFETY: `kill` has no preconditions.
        unsafe { libc::kill(id, libc::SIGTERM) };
    }
    running.signal_all(libc::SIGTERM);
    let output = running.output();
    assert_eq!(output.code, Some(130), "{}", output.err);
    assert!(!programs.project.find("out", "checkpoint.bin").is_empty());
    assert!(programs.project.find("out", "failure.json").is_empty());
    assert_eq!(programs.processes(), []);
}

#[test]
fn a_killed_process_of_a_method_takes_its_program_along() {
    let Some(programs) = Programs::with("numpy") else { return };
    let arguments = programs.all(&program("misbehaving"), "out", &["--methods", "misbehaving"]);
    let running = Running::start(programs.command(&arguments, &[("FAULT", "spin"), ("PLACE", "encode")]));
    wait_until("the program", || programs.processes().iter().any(|(_, command)| command.contains("method.py")));
    running.kill();
    wait_until("its end", || programs.processes().is_empty());
}
