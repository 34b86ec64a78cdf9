//! One test for each fault that was reported, named after it.

use std::{fs, process::Command};

use serde_json::Value;

use crate::support::{
    Array, FOREIGN_FINETUNE, HOSTILE, HOSTILE_TENSORS, JEPA, Running, Suite, TestProject, checkpoint_header, micro_run,
    read_json, wait_until, write_sealed, write_tensors,
};

/// The tests of resuming took the length of a checkpoint's header for its step, and did not wait for later checkpoints.
#[test]
fn the_step_of_a_checkpoint_is_read_from_its_header() {
    let header = br#"{"step": 3, "cost": {"samples": 12}}"#;
    let length = (header.len() as u64).to_le_bytes();
    let checkpoint = [b"physrep4".as_slice(), &[0; 32], &length, header, b"the state of the session"].concat();
    assert_eq!(checkpoint_header(&checkpoint)["step"], 3);
}

/// A cell whose probes had the embeddings of an earlier attempt was recorded with an unchanged encoder, although nothing had been
/// compared; now the comparison is kept with the embeddings.
#[test]
fn embeddings_of_an_earlier_attempt_come_with_what_was_compared() {
    let project = TestProject::new();
    project.copy(micro_run(0), "out");
    let results = project.find("out/cells/shear_flow/jepa", "result.json");
    let [path] = results.into_values().collect::<Vec<_>>().try_into().expect("one pretrained cell");
    assert_eq!(read_json(&path)["health"]["encoder_unchanged"], true);
    let again = |expected: Value| {
        fs::remove_file(&path).expect("removable");
        project.run(project.all(Suite::Micro, JEPA, "out", &["--seeds", "0"])).exits_with(0);
        assert_eq!(read_json(&path)["health"]["encoder_unchanged"], expected);
    };
    again(true.into());
    let cached = path.with_file_name("embeddings.json");
    let mut record = read_json(&cached);
    record["encoder_unchanged"] = Value::Null;
    write_sealed(&cached, &record);
    again(Value::Null);
}

/// A plugin whose optional interface had a foreign layout was loaded as if it had none.
#[test]
fn an_optional_interface_with_a_foreign_layout_is_an_error() {
    let output = TestProject::new().run(["list", "methods", "--plugins", &FOREIGN_FINETUNE.argument()]);
    assert!(output.err.contains("foreign_finetune") && output.err.contains("laid out differently"), "{}", output.err);
    assert!(!output.out.contains("foreign-finetune"), "{}", output.out);
}

/// The host read a plugin's tensors at a null pointer, and with a number of elements that had overflowed.
#[test]
fn invalid_tensors_of_a_plugin_are_errors() {
    for tensor in ["null", "overflow"] {
        let set = format!("hostile-tensors.tensor={tensor}");
        let plugin = HOSTILE_TENSORS.argument();
        let more =
            ["--plugins", &plugin, "--mode", "encode", "--size", "8", "--frames", "2", "--steps", "1", "--set", &set];
        let output = TestProject::new().run(["bench", "hostile-tensors"].iter().chain(&more)).exits_with(1);
        assert!(output.err.contains("hostile-tensors: encode returned"), "{tensor}: {}", output.err);
        output.has_one_error_line();
    }
}

/// Cells that began after the program had been built again could not be started.
#[test]
fn a_program_that_is_replaced_during_a_run_finishes_it() {
    let project = TestProject::new();
    let (program, next) = (project.path("program"), project.path("next"));
    fs::copy(env!("CARGO_BIN_EXE_physrep-bench"), &program).expect("copied");
    fs::write(&next, "another program").expect("writable");
    let mut command = Command::new(&program);
    let more = ["--methods", "hostile", "--set", "hostile.slow=50", "--jobs", "1"];
    command.args(project.all(Suite::Micro, HOSTILE, "out", &more)).current_dir(project.path("."));
    let running = Running::start(command);
    wait_until("the first steps", || !project.find("out", "curves.jsonl").is_empty());
    fs::rename(&next, &program).expect("renamed");
    let output = running.output();
    assert_eq!(output.code, Some(0), "{}", output.err);
}

/// A value of a clip that was missing gave embeddings that were NaN, and no word.
#[test]
fn a_clip_with_a_value_that_is_not_finite_is_an_error() {
    let project = TestProject::new();
    let mut clips = Array::zeros(&[2, 4, 16, 16, 32]);
    clips.values[(4 + 2) * 16 * 16 * 32 + 3 * 16 * 32 + 7] = f32::NAN;
    write_tensors(&project.path("clips.safetensors"), "input", &clips);
    let plugin = JEPA.argument();
    let arguments = ["encode", "--method", "jepa", "--plugins", &plugin, "--checkpoint", "none.pth"];
    let files = ["--input", "clips.safetensors", "--output", "embeddings.safetensors"];
    let output = project.run(arguments.iter().chain(&files)).exits_with(1);
    let expected = "error: clips.safetensors: `input`, clip 1, channel 2, frame 3: expected finite values, found NaN";
    assert_eq!(output.err.lines().last(), Some(expected));
}
