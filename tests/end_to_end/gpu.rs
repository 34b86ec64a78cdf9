//! `bench` and `all` on a GPU of the mock CUDA driver, with a method that reads clips in device memory.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    mock_driver::{driver, driver_with},
    support::{DEVICE_MEMORY, Output, PROBE_LIBRARY, Suite, TestProject},
};

/// The method's name.
const METHOD: &str = "device-memory";
/// The peak of device memory in bytes, in what `bench` prints.
const PEAK_BYTES: &str = "peak_device_memory_bytes";
/// The peak of device memory in MiB, in the cost of a phase.
const PEAK_MIB: &str = "peak_device_memory_mib";

/// The setting that names the driver to the method.
fn driver_setting(driver: &Path) -> String {
    format!("{METHOD}.driver={:?}", driver.display().to_string())
}

/// `bench` of the method with a driver.
fn bench(driver: &Path, more: &[&str]) -> Output {
    let project = TestProject::new();
    let (library, setting) = (DEVICE_MEMORY.argument(), driver_setting(driver));
    let arguments = ["bench", METHOD, "--plugins", &library, "--set", &setting, "--size", "8", "--frames", "2"];
    let mut command = project.command(arguments.iter().chain(more));
    command.env("PHYSREP_CUDA_DRIVER", driver).output().expect("the program runs").into()
}

#[test]
fn bench_reports_the_peak_of_device_memory() {
    let folder = TempDir::new().expect("a folder");
    let driver = driver(&folder, 0);
    let measured = |device: &str| {
        let more = ["--steps", "2", "--batch", "3", "--channels", "5", "--device", device];
        serde_json::from_str::<Value>(&bench(&driver, &more).exits_with(0).out).expect("JSON")
    };
    let on_gpu = measured("cuda:1");
    assert_eq!(on_gpu["device"], "cuda:1 Mock 41 (81920 MiB), driver of CUDA 13.2");
    // The method allocates nothing there: the batch is all.
    assert_eq!(on_gpu[PEAK_BYTES], 3 * 5 * 4 * 8 * 8 * 4, "{on_gpu}");
    assert!(measured("cpu").get(PEAK_BYTES).is_none());
}

#[test]
fn bench_waits_for_the_gpu_and_reports_what_failed_there() {
    let folder = TempDir::new().expect("a folder");
    let output = bench(&driver_with(&folder, &["CODE=0", "FAULT=700"]), &["--device", "cuda:0"]).exits_with(1);
    let expected = "a step failed on the GPU: the CUDA driver's cuCtxSynchronize failed with code 700";
    assert!(output.err.contains(&format!("{METHOD}: {expected}")), "{}", output.err);
}

#[test]
fn a_run_on_a_gpu_gives_the_scores_of_one_on_the_cpu() {
    let folder = TempDir::new().expect("a folder");
    // With memory for the batches of the suite.
    let (project, driver) = (TestProject::new(), driver_with(&folder, &["CODE=0", "LIMIT=(1ul<<30)"]));
    let results = ["cpu", "cuda:0"].map(|device| {
        let more = ["--methods", METHOD, "--set", &driver_setting(&driver), "--device", device, "--probes-on-cpu"];
        let arguments = project.all(Suite::Micro, DEVICE_MEMORY, device, &more);
        let output = project.command(arguments).env("PHYSREP_CUDA_DRIVER", &driver).output().expect("the program runs");
        Output::from(output).exits_with(0);
        let table = fs::read_to_string(project.path(device).join("table.md")).expect("a table");
        assert_eq!(table.contains("pretrain GPU MiB"), device != "cpu", "{table}");
        project.results(device)
    });
    let [on_cpu, on_gpu] = &results;
    assert_eq!((on_cpu.len(), on_gpu.len()), (2, 2), "pretrained and at random initialisation");
    for (on_cpu, on_gpu) in on_cpu.iter().zip(on_gpu) {
        assert_eq!(on_cpu["initialisation"], on_gpu["initialisation"]);
        assert_eq!(on_cpu["scores"], on_gpu["scores"]);
        // One or two batches at a time, as it happens: of 4 clips of 32 frames, of 16 of 16, of 8 of 16. A frame has 4 x 16 x 32 values.
        for (phase, expected) in [("pretrain", 1..=2), ("encode", 2..=4), ("end_to_end", 1..=4)] {
            let peak = |result: &Value| result["cost"][phase][PEAK_MIB].as_u64();
            assert_eq!(peak(on_cpu), None);
            let took_place = on_gpu["cost"][phase]["seconds"].as_f64() > Some(0.0);
            match peak(on_gpu) {
                Some(mib) => assert!(took_place && expected.contains(&mib), "{phase}: {}", on_gpu["cost"]),
                None => assert!(!took_place, "{phase}: {}", on_gpu["cost"]),
            }
        }
    }
}

/// The program as it is installed, outside of a checkout.
fn installed(project: &TestProject) -> PathBuf {
    let program = project.path("bin/physrep-bench");
    fs::create_dir(project.path("bin")).expect("writable");
    fs::copy(env!("CARGO_BIN_EXE_physrep-bench"), &program).expect("copied");
    program
}

/// A run of an installed program on a GPU of the mock driver.
fn run_installed(project: &TestProject, program: &Path) -> Output {
    let folder = TempDir::new().expect("a folder");
    let driver = driver_with(&folder, &["CODE=0", "LIMIT=(1ul<<30)"]);
    let more = ["--methods", METHOD, "--set", &driver_setting(&driver), "--device", "cuda:0"];
    let mut command = std::process::Command::new(program);
    command.args(project.all(Suite::Micro, DEVICE_MEMORY, "out", &more)).current_dir(project.path(""));
    command.env("PHYSREP_CUDA_DRIVER", &driver).output().expect("the program runs").into()
}

#[test]
fn without_a_probe_library_a_run_on_a_gpu_says_what_to_do_before_it_starts() {
    let project = TestProject::new();
    let output = run_installed(&project, &installed(&project)).exits_with(2);
    for part in [
        "fitting probes on cuda:0",
        "bin/physrep-bench (cuda/libphysrep_probe_library.so",
        "checkout",
        "--probes-on-cpu",
    ] {
        assert!(output.err.contains(part), "{part} in {}", output.err);
    }
    assert!(!project.path("out/run.json").exists());
}

#[test]
fn a_probe_library_that_does_not_fit_fails_a_cell_before_its_pretraining() {
    let project = TestProject::new();
    let program = installed(&project);
    let library = program.with_file_name("cuda").join("libphysrep_probe_library.so");
    fs::create_dir(library.parent().expect("a folder")).expect("writable");
    fs::copy(PROBE_LIBRARY.library(), &library).expect("copied");
    run_installed(&project, &program);
    let failures = project.find("out", "failure.json");
    assert_eq!(failures.len(), 2, "pretrained and at random initialisation");
    for path in failures.values() {
        let reason = fs::read_to_string(path).expect("readable");
        assert!(reason.contains("for the CPU alone") && reason.contains("--features cuda"), "{reason}");
    }
    assert!(project.find("out", "curves.jsonl").is_empty(), "nothing was trained");
}
