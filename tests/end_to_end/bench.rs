//! `bench`.

use std::process::Command;

use serde_json::Value;

use crate::support::{HOSTILE, JEPA, Output, Plugin, TestProject};

const TINY: [&str; 4] = ["--set", "jepa.dims=[4,4,8,8,8]", "--set", "jepa.num_res_blocks=[1,1,1,1,1]"];

/// `bench METHOD` with these arguments.
fn arguments(method: &str, plugin: Plugin, more: &[&str]) -> Vec<String> {
    ["bench", method, "--plugins", &plugin.argument()].iter().chain(more).map(|s| s.to_string()).collect()
}

/// The measurement of JEPA on small clips.
fn measured(more: &[&str]) -> Value {
    let project = TestProject::new();
    let shape = ["--size", "16x32", "--batch", "3", "--channels", "2", "--steps", "5", "--threads", "1"];
    let output = project.run(arguments("jepa", JEPA, &[shape.as_slice(), &TINY, more].concat())).exits_with(0);
    serde_json::from_str(&output.out).unwrap_or_else(|e| panic!("{e}: {}", output.out))
}

#[test]
fn measured_values_are_consistent() {
    let train = measured(&[]);
    let encode = measured(&["--mode", "encode"]);
    for (mode, value) in [("train", &train), ("encode", &encode)] {
        assert_eq!((&value["method"], &value["mode"], &value["device"]), (&"jepa".into(), &mode.into(), &"cpu".into()));
        let shape = serde_json::json!({"batch": 3, "channels": 2, "frames": 16, "height": 16, "width": 32});
        assert_eq!(value["shape"], shape);
        assert_eq!(value["threads"], 1);
        let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{value} is a number"));
        let seconds = &value["seconds_per_step"];
        let mut all: Vec<f64> = seconds["all"].as_array().expect("a list").iter().map(number).collect();
        all.sort_by(f64::total_cmp);
        assert_eq!(all.len(), 5);
        assert_eq!((number(&seconds["min"]), number(&seconds["median"])), (all[0], all[2]));
        assert!((number(&seconds["mean"]) * 5.0 / all.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{value}");
        assert!((number(&value["samples_per_second"]) * all[2] / 3.0 - 1.0).abs() < 1e-9, "{value}");
        assert!((number(&value["gflop_per_second"]) * all[2] / number(&value["gflop_per_step"]) - 1.0).abs() < 1e-9);
        // More than the clips, less than a machine.
        let clips = 3 * 2 * 16 * 16 * 32 * 4;
        assert!((clips..2 << 30).contains(&value["peak_memory_bytes"].as_u64().expect("bytes")), "{value}");
    }
    let flops = |value: &Value| value["gflop_per_step"].as_f64().expect("counted");
    // A training step encodes twice as many clips, differentiates, and runs the predictor.
    let ratio = flops(&train) / flops(&encode);
    assert!((5.5..9.0).contains(&ratio), "{ratio}");
    assert!(train["parameters"].as_u64() > encode["parameters"].as_u64(), "encoding does not use the predictor");
}

#[test]
fn what_cannot_be_measured_is_one_error_line() {
    let project = TestProject::new();
    let far = usize::MAX.to_string();
    let cases: [(&str, Plugin, &[&str], i32, &str); 10] = [
        ("nobody", JEPA, &[], 2, "no method `nobody`; found: jepa"),
        ("jepa", JEPA, &["--size", "4000000000"], 2, "does not fit this machine's memory"),
        ("jepa", JEPA, &["--frames", &far], 2, "does not fit this machine's memory"),
        ("jepa", JEPA, &["--batch", "0"], 2, "must be 1 or more"),
        ("jepa", JEPA, &["--size", "8x"], 2, "128x64"),
        ("jepa", JEPA, &["--size", "8"], 1, "H and W at least 16"),
        ("jepa", JEPA, &["--frames", "5"], 1, "clips of 16 or 4 frames, not 5"),
        ("jepa", JEPA, &["--set", "mpp.lr=1"], 2, "METHOD.KEY=VALUE of the method jepa"),
        ("hostile", HOSTILE, &["--set", "hostile.fault=abort", "--set", "hostile.place=loss"], 1, "died (aborted)"),
        ("hostile", HOSTILE, &["--set", "hostile.fault=panic", "--set", "hostile.place=loss"], 1, "hostile on purpose"),
    ];
    for (method, plugin, more, code, expected) in cases {
        let output = project.run(arguments(method, plugin, more)).exits_with(code);
        assert!(output.err.contains(expected), "{more:?}: expected {expected:?} in:\n{}", output.err);
        output.has_one_error_line();
        assert_eq!(output.out, "");
    }
}

#[test]
fn memory_does_not_grow_over_a_thousand_steps() {
    let project = TestProject::new();
    let shape = ["--size", "8", "--frames", "4", "--batch", "1", "--channels", "2", "--threads", "1"];
    let small = ["--set", "jepa.dims=[4,4,8,8]", "--set", "jepa.num_res_blocks=[1,1,1,1]"];
    let peak = |steps: &str| {
        let more = [shape.as_slice(), &small, &["--steps", steps]].concat();
        let output = project.run(arguments("jepa", JEPA, &more)).exits_with(0);
        let measured: Value = serde_json::from_str(&output.out).expect("JSON");
        measured["peak_memory_bytes"].as_u64().expect("bytes")
    };
    let (few, many) = (peak("30"), peak("1000"));
    // A leak of one kilobyte per step would show.
    assert!(many < few + (1 << 20), "{few} bytes in 30 steps, {many} in 1000");
}

#[test]
fn a_measurement_that_runs_out_of_memory_is_an_error_that_says_so() {
    // 128 MiB for the program; a step takes several times as much.
    let output = Command::new("sh")
        .args(["-c", "ulimit -d 131072; exec \"$0\" bench jepa --threads 1 --plugins \"$1\""])
        .arg(env!("CARGO_BIN_EXE_physrep-bench"))
        .arg(JEPA.library())
        .output()
        .expect("sh runs");
    let output = Output::from(output).exits_with(1);
    assert!(output.err.contains("jepa: the process that measures died (aborted)"), "{}", output.err);
    assert!(output.err.contains("memory allocation of"), "{}", output.err);
}
