//! Programs that misbehave: each costs its own rows, and leaves nothing behind.

use super::{Programs, program};
use crate::support::read_json;

/// What a fault does to its rows: they fail for a reason that has this in it, or they have scores.
enum Rows {
    Fail(&'static str),
    Score,
}

use Rows::{Fail, Score};

/// The faults that end the program, or make it answer with an error.
const ENDS: [(&str, &str, Rows); 20] = [
    ("raise", "hello", Fail("instead of answering hello; its log ends: ")),
    ("raise", "create", Fail("create raised ValueError: misbehaving on purpose (line ")),
    ("raise", "pretrain_step", Fail("pretrain_step raised ValueError: misbehaving on purpose (line ")),
    ("raise", "encode", Fail("encode raised ValueError: misbehaving on purpose (line ")),
    ("raise", "save", Fail("save raised ValueError: misbehaving on purpose (line ")),
    ("raise", "load", Fail("load raised ValueError: misbehaving on purpose (line ")),
    ("raise", "parameters", Fail("parameters raised ValueError: misbehaving on purpose (line ")),
    ("raise", "begin_finetuning", Fail("begin_finetuning raised ValueError: misbehaving on purpose (line ")),
    ("raise", "encode_forward", Fail("encode_forward raised ValueError: misbehaving on purpose (line ")),
    ("raise", "encode_backward", Fail("encode_backward raised ValueError: misbehaving on purpose (line ")),
    ("raise", "apply_gradients", Fail("apply_gradients raised ValueError: misbehaving on purpose (line ")),
    ("exit", "hello", Fail("its program ended (exit status: 3) instead of answering hello")),
    ("exit", "encode", Fail("its program ended (exit status: 3) instead of answering encode")),
    (
        "last-words",
        "create",
        Fail("(exit status: 1) instead of answering create; its log ends: these are its last words"),
    ),
    ("abort", "pretrain_step", Fail("its program ended (signal: 6 (SIGABRT)")),
    ("segfault", "pretrain_step", Fail("its program ended (signal: 11 (SIGSEGV)")),
    ("kill", "save", Fail("its program ended (signal: 9 (SIGKILL)) instead of answering save")),
    ("orphan", "pretrain_step", Fail("its program ended (exit status: 3) instead of answering pretrain_step")),
    ("deaf", "pretrain_step", Fail("its program closed its pipe of answers instead of answering pretrain_step")),
    ("version", "hello", Fail("its program speaks version 2 of the protocol, this physrep-bench version 1")),
];

/// Answers that are none.
const ANSWERS: [(&str, &str, Rows); 21] = [
    ("garbage", "create", Fail("its answer to create does not keep to the protocol")),
    ("garbage", "pretrain_step", Fail("expected value at line 1 column 1, in \"\u{fffd}")),
    ("deep", "encode", Fail("its answer to encode does not keep to the protocol")),
    ("long", "pretrain_step", Fail("a line of more than 4194304 bytes")),
    ("unknown", "pretrain_step", Fail("missing field `loss`")),
    ("unknown", "create", Fail("unknown field `more`, expected one of `id`, `ok`, `error`, `metric`, `log`")),
    ("early", "create", Fail("an answer with id 3; expected id 2")),
    ("twice", "encode", Fail("the first answer")),
    ("infinite", "pretrain_step", Fail("number out of range")),
    ("nan", "pretrain_step", Fail("misbehaving: the loss is nan at step 0")),
    ("nan", "encode", Fail("encode gave 1 values that are NaN or infinite, of 2048")),
    ("flat", "encode", Fail("Float32 of shape [16, 8]; expected Float32 of shape (16, tokens, dim)")),
    ("fewer", "encode", Fail("Float32 of shape [15, 16, 8]; expected Float32 of shape (16, tokens, dim)")),
    ("nothing", "encode", Fail("misbehaving: encode returned None; expected tokens (B, tokens, dim)")),
    ("changes", "encode", Fail("the embedding of a clip depends on the rest of its batch")),
    ("outside", "encode", Fail("at offset 1099511627776 of a file of")),
    ("outside", "save", Fail("its answer to save does not keep to the protocol")),
    ("huge", "parameters", Fail("expected at most 68719476736 bytes")),
    ("endless", "encode", Fail("expected at most 268435456 bytes")),
    ("unnamed", "parameters", Fail("an array is called \"\"; expected 1 to 256 bytes")),
    ("write", "pretrain_step", Fail("pretrain_step raised PermissionError: [Errno 13] Permission denied: 'planted'")),
];

/// The faults after which a program does not answer.
const HANGS: [(&str, &str, Rows); 5] = [
    ("sleep", "hello", Fail("no progress for 3 s in start; killed")),
    ("sleep", "pretrain_step", Fail("no progress for 3 s in pretrain; killed")),
    ("spin", "encode", Fail("no progress for 3 s in encode; killed")),
    ("spin", "save", Fail("no progress for 3 s in")),
    ("sleep", "encode_backward", Fail("no progress for 3 s in end to end; killed")),
];

/// What a program may do.
const HARMLESS: [(&str, &str, Rows); 6] = [
    ("print", "hello", Score),
    ("print", "pretrain_step", Score),
    ("print", "encode", Score),
    ("flood", "pretrain_step", Score),
    ("daemon", "pretrain_step", Score),
    ("thread", "create", Score),
];

/// Runs the program with each fault.
fn misbehave(faults: &[(&str, &str, Rows)]) {
    for (fault, place, expected) in faults {
        let Some(programs) = Programs::with("numpy") else { return };
        let more = ["--stall-timeout", "3", "--methods", "misbehaving,mean"];
        let arguments = programs.all(&program("misbehaving"), "out", &more);
        let output = programs.run(&arguments, &[("FAULT", fault), ("PLACE", place)]);
        let told = format!("{fault} in {place}:\n{}\n{}\n{}", output.out, output.err, programs.logs("out"));
        assert!(output.out.contains("mean  "), "other rows are unharmed: {told}");
        match expected {
            Score => {
                assert_eq!(output.code, Some(0), "{told}");
                assert!(!output.out.contains("failed: "), "{told}");
            }
            Fail(reason) => {
                assert_eq!(output.code, Some(3), "{told}");
                assert!(output.out.contains("misbehaving [1"), "the row stays in the table: {told}");
                let failures = programs.project.find("out", "failure.json").into_values();
                let reasons: Vec<_> = failures.map(|path| read_json(&path)["reason"].to_string()).collect();
                let plain: Vec<_> =
                    reasons.iter().map(|found| found.replace("\\\"", "\"").replace("\\\\", "\\")).collect();
                assert!(plain.iter().any(|found| found.contains(reason)), "expected {reason:?} in {plain:?}: {told}");
            }
        }
        assert_eq!(programs.processes(), [], "nothing runs on: {told}");
        assert!(
            !program("misbehaving").join("planted").exists() && !program("misbehaving").join("__pycache__").exists()
        );
    }
}

#[test]
fn a_program_that_ends_or_raises_costs_its_rows_and_the_reason_is_recorded() {
    misbehave(&ENDS);
}

#[test]
fn an_answer_that_is_none_costs_its_rows_and_the_reason_is_recorded() {
    misbehave(&ANSWERS);
}

#[test]
fn a_program_that_hangs_costs_its_rows_and_the_reason_is_recorded() {
    misbehave(&HANGS);
}

#[test]
fn prints_and_processes_of_a_program_change_no_row() {
    misbehave(&HARMLESS);
}

#[test]
fn what_a_program_prints_is_in_the_log() {
    let Some(programs) = Programs::with("numpy") else { return };
    let arguments = programs.all(&program("misbehaving"), "out", &["--methods", "misbehaving"]);
    programs.run(&arguments, &[("FAULT", "print"), ("PLACE", "create")]).exits_with(0);
    let logs = programs.logs("out");
    for line in ["printed by Python", "written to descriptor 1", "printed by a program", "Info: its program has numpy"]
    {
        assert!(logs.contains(line), "{line}: {logs}");
    }
}
