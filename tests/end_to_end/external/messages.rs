//! The messages of a run are those of the protocol's schema.

use std::io::Write;

use super::{Programs, program};
use crate::support::{python, root};

#[test]
fn the_messages_of_a_run_are_those_of_the_schema() {
    let Some(programs) = Programs::with("numpy") else { return };
    let Some(mut python) = python("jsonschema") else { return };
    let arguments = programs.all(&program("misbehaving"), "out", &["--methods", "misbehaving"]);
    let variables = [("RECORD", "1"), ("FAULT", "version")]; // which records a metric that is not finite
    programs.run(&arguments, &variables).exits_with(0);
    let arguments = programs.all(&program("misbehaving"), "failed", &["--methods", "misbehaving"]);
    let variables = [("RECORD", "1"), ("FAULT", "raise"), ("PLACE", "encode")];
    programs.run(&arguments, &variables).exits_with(3);
    let logs = programs.logs("out") + &programs.logs("failed");
    let is_message = |line: &&str| line.starts_with("REQUEST ") || line.starts_with("ANSWER ");
    let messages: Vec<&str> = logs.lines().filter(is_message).collect();
    for call in [
        "hello",
        "create",
        "pretrain_step",
        "encode",
        "save",
        "load",
        "parameters",
        "begin_finetuning",
        "encode_forward",
        "encode_backward",
        "apply_gradients",
        "destroy",
    ] {
        assert!(messages.iter().any(|line| line.contains(&format!("\"call\": \"{call}\""))), "{call}");
    }
    for answer in ["\"ok\"", "\"error\"", "\"metric\""] {
        assert!(messages.iter().any(|line| line.contains(answer)), "{answer}");
    }
    let check = root().join("tests/programs/check_messages.py");
    let schema = root().join("docs/external-protocol.schema.json");
    let mut child = python
        .arg(check)
        .arg(schema)
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("starts");
    child.stdin.take().expect("piped").write_all(messages.join("\n").as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
