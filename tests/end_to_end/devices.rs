//! `--device` and `doctor`, with mock CUDA drivers.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{
    mock_driver::driver,
    support::{JEPA, Output, TestProject, root},
};

/// Runs the program in the repository with a CUDA driver, and with another `PATH` if there is one.
fn run(driver: &Path, path: Option<&Path>, arguments: &[&str]) -> Output {
    let mut command = TestProject::new().command(arguments);
    command.current_dir(root()).env("PHYSREP_CUDA_DRIVER", driver);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    command.output().expect("the program runs").into()
}

#[test]
fn a_gpu_that_is_not_there_is_an_error_that_lists_those_that_are() {
    let folder = TempDir::new().expect("a folder");
    let driver = driver(&folder, 0);
    let output = run(&driver, None, &["bench", "jepa", "--device", "cuda:2"]).exits_with(2);
    let gpus = "cuda:0 Mock 40 (81920 MiB); cuda:1 Mock 41 (81920 MiB)";
    assert!(output.err.contains("--device cuda:2: there is no such ") && output.err.contains(gpus), "{}", output.err);

    let output = run(Path::new("nowhere.so"), None, &["bench", "jepa", "--device", "cuda:0"]).exits_with(2);
    let expected = "--device cuda:0: no CUDA driver: nowhere.so does not load";
    assert!(output.err.contains(expected), "{}", output.err);

    let output = run(&driver, None, &["bench", "jepa", "--device", "gpu"]).exits_with(2);
    assert!(output.err.contains("expected auto, cpu, cuda:N or cuda:all"), "{}", output.err);
}

#[test]
fn auto_without_a_gpu_computes_on_the_cpu_and_says_why() {
    let folder = TempDir::new().expect("a folder");
    let library = JEPA.argument();
    let small = ["--size", "16", "--steps", "1", "--set", "jepa.dims=[4,4,8,8,8]"];
    let arguments = [&["bench", "jepa", "--plugins", &library, "--mode", "encode"][..], &small].concat();
    let cases = [
        (PathBuf::from("nowhere.so"), "device: cpu (no CUDA driver: nowhere.so does not load)"),
        (driver(&folder, 100), "device: cpu (the CUDA driver finds no GPU)"),
        (driver(&folder, 999), "device: cpu (the CUDA driver's cuInit failed with code 999)"),
    ];
    for (driver, line) in cases {
        let output = run(&driver, None, &arguments).exits_with(0);
        assert_eq!(output.err.trim(), line);
        assert!(output.out.contains("\"device\": \"cpu\""), "{}", output.out);
    }
}

#[test]
fn auto_selects_the_first_gpu_if_plugins_can_be_built_for_it() {
    let folder = TempDir::new().expect("a folder");
    let driver = driver(&folder, 0);
    std::fs::write(folder.path().join("nvcc"), "").expect("written");
    // As if somebody had built the library without the feature: the GPU is selected, and the plugin rejects it.
    let library = JEPA.argument();
    let arguments = ["bench", "jepa", "--plugins", &library, "--size", "16", "--steps", "1"];
    let output = run(&driver, Some(folder.path()), &arguments).exits_with(1);
    let expected = "without the feature `cuda`; it cannot compute on device kind 2 index 0";
    assert!(output.err.contains(expected), "{}", output.err);
}

#[test]
fn doctor_lists_what_is_installed_and_what_is_missing() {
    let folder = TempDir::new().expect("a folder");
    let output = run(&driver(&folder, 0), None, &["doctor"]).exits_with(0);
    for line in ["runs CUDA 13.2", "cuda:1 Mock 41 (81920 MiB)", "jepa"] {
        assert!(output.out.contains(line), "{line} in {}", output.out);
    }
    let output = run(Path::new("nowhere.so"), None, &["doctor"]).exits_with(0);
    let expected = "no CUDA driver: nowhere.so does not load; methods compute on the CPU";
    assert!(output.out.contains(expected), "{}", output.out);

    // Nothing can be built without cargo: that is an error.
    let mut command = Command::new(env!("CARGO_BIN_EXE_physrep-bench"));
    command.arg("doctor").current_dir(root()).env("PATH", folder.path()).env_remove("CARGO").env_remove("RUSTC");
    let output = Output::from(command.output().expect("the program runs")).exits_with(1);
    assert!(output.out.contains("cargo          MISSING"), "{}", output.out);
}
