//! A run of a method in another process that is killed and resumed ends with the same bytes.

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
