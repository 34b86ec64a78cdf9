//! `physrep-bench bench`, through the binary.

mod bench;

use std::process::Command;

use bench::{Bench, Said, root};
use physrep_bench::{crates::Source, device::Device};
use serde_json::Value;

const TINY: [&str; 4] = ["--set", "jepa.dims=[4,4,8,8,8]", "--set", "jepa.num_res_blocks=[1,1,1,1,1]"];

/// `bench METHOD` with these arguments, on small clips unless they say otherwise.
fn arguments(method: &str, plugin: &str, more: &[&str]) -> Vec<String> {
    let plugin = root().join(plugin).display().to_string();
    ["bench", method, "--plugins", &plugin].iter().chain(more).map(|s| s.to_string()).collect()
}

fn measured(more: &[&str]) -> Value {
    let bench = Bench::new();
    let shape = ["--size", "16x32", "--batch", "3", "--channels", "2", "--steps", "5", "--threads", "1"];
    let said = bench.run(arguments("jepa", "plugins/jepa", &[shape.as_slice(), &TINY, more].concat())).ended_with(0);
    serde_json::from_str(&said.out).unwrap_or_else(|e| panic!("{e}: {}", said.out))
}

#[test]
fn figures_fit_each_other() {
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
    // A training step encodes twice as many clips, and differentiates; the predictor comes on top.
    let ratio = flops(&train) / flops(&encode);
    assert!((5.5..9.0).contains(&ratio), "{ratio}");
    assert!(train["parameters"].as_u64() > encode["parameters"].as_u64(), "the predictor is not encoded with");
}

#[test]
fn what_cannot_be_measured_is_said_in_a_line() {
    let bench = Bench::new();
    let jepa = "plugins/jepa";
    let hostile = "tests/plugins/hostile";
    let far = usize::MAX.to_string();
    let cases: [(&str, &str, &[&str], i32, &str); 10] = [
        ("nobody", jepa, &[], 2, "no method `nobody`; found: jepa"),
        ("jepa", jepa, &["--size", "4000000000"], 2, "does not fit this machine's memory"),
        ("jepa", jepa, &["--frames", &far], 2, "does not fit this machine's memory"),
        ("jepa", jepa, &["--batch", "0"], 2, "must be 1 or more"),
        ("jepa", jepa, &["--size", "8x"], 2, "128x64"),
        ("jepa", jepa, &["--size", "8"], 1, "H and W at least 16"),
        ("jepa", jepa, &["--frames", "5"], 1, "clips of 16 or 4 frames, not 5"),
        ("jepa", jepa, &["--set", "mpp.lr=1"], 2, "METHOD.KEY=VALUE of the method jepa"),
        ("hostile", hostile, &["--set", "hostile.fault=abort", "--set", "hostile.place=loss"], 1, "died (aborted)"),
        ("hostile", hostile, &["--set", "hostile.fault=panic", "--set", "hostile.place=loss"], 1, "hostile on purpose"),
    ];
    for (method, plugin, more, code, expected) in cases {
        let said = bench.run(arguments(method, plugin, more)).ended_with(code);
        assert!(said.err.contains(expected), "{more:?} says {expected:?}:\n{}", said.err);
        assert_eq!(said.err.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{}", said.err);
        assert_eq!(said.out, "");
    }
}

#[test]
fn memory_does_not_grow_over_a_thousand_steps() {
    let bench = Bench::new();
    let shape = ["--size", "8", "--frames", "4", "--batch", "1", "--channels", "2", "--threads", "1"];
    let small = ["--set", "jepa.dims=[4,4,8,8]", "--set", "jepa.num_res_blocks=[1,1,1,1]"];
    let peak = |steps: &str| {
        let more = [shape.as_slice(), &small, &["--steps", steps]].concat();
        let said = bench.run(arguments("jepa", "plugins/jepa", &more)).ended_with(0);
        let measured: Value = serde_json::from_str(&said.out).expect("JSON");
        measured["peak_memory_bytes"].as_u64().expect("bytes")
    };
    let (few, many) = (peak("30"), peak("1000"));
    // A kilobyte a step would show.
    assert!(many < few + (1 << 20), "{few} bytes in 30 steps, {many} in 1000");
}

#[cfg(unix)]
#[test]
fn memory_that_is_not_there_costs_the_measurement_and_is_said() {
    let library = Source::Crate(root().join("plugins/jepa")).library(Device::Cpu).expect("builds");
    // 128 MiB for the program, where a step takes several times as much.
    let output = Command::new("sh")
        .args(["-c", "ulimit -d 131072; exec \"$0\" bench jepa --threads 1 --plugins \"$1\""])
        .arg(env!("CARGO_BIN_EXE_physrep-bench"))
        .arg(library)
        .output()
        .expect("sh runs");
    let said = Said::from(output).ended_with(1);
    assert!(said.err.contains("jepa: the process that measures died (aborted)"), "{}", said.err);
    assert!(said.err.contains("memory allocation of"), "{}", said.err);
}
