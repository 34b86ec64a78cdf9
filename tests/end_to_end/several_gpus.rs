//! `all --device cuda:all`: a cell on each GPU of the mock CUDA driver, which has two, 40 and 41.

use std::{collections::BTreeSet, path::Path};

use tempfile::TempDir;

use crate::{
    mock_driver::driver_with,
    support::{DEVICE_MEMORY, Output, Suite, TestProject},
};

/// A run of four cells on a driver.
fn run(project: &TestProject, driver: &Path, out: &str, device: &str, visible: Option<&str>) -> Output {
    let setting = format!("device-memory.driver={:?}", driver.display().to_string());
    let more =
        ["--methods", "device-memory", "--seeds", "0,1", "--set", &setting, "--device", device, "--probes-on-cpu"];
    let mut command = project.command(project.all(Suite::Micro, DEVICE_MEMORY, out, &more));
    command.env("PHYSREP_CUDA_DRIVER", driver).env_remove("CUDA_VISIBLE_DEVICES");
    command.envs(visible.map(|names| ("CUDA_VISIBLE_DEVICES", names)));
    command.output().expect("the program runs").into()
}

/// The GPUs that the cells of a run were computed on.
fn gpus(project: &TestProject, out: &str) -> BTreeSet<String> {
    let device = |result: &serde_json::Value| result["environment"]["device"].as_str().expect("a device").to_owned();
    project.results(out).iter().map(device).collect()
}

#[test]
fn all_gpus_have_a_cell_and_those_that_are_hidden_have_none() {
    let folder = TempDir::new().expect("a folder");
    let (project, driver) = (TestProject::new(), driver_with(&folder, &["CODE=0", "LIMIT=(1ul<<30)"]));
    let output = run(&project, &driver, "one", "cuda:0", None).exits_with(0);
    assert!(output.err.contains("device: cuda:0 Mock 40"), "{}", output.err);
    let output = run(&project, &driver, "all", "cuda:all", None).exits_with(0);
    assert!(output.err.contains("devices: 2 GPUs"), "{}", output.err);
    // A process sees its own alone.
    let named = |number: u32| format!("cuda:0 Mock {number} (81920 MiB), driver of CUDA 13.2");
    assert_eq!(gpus(&project, "all"), BTreeSet::from([named(40), named(41)]));
    assert_eq!(project.scores("all"), project.scores("one"));

    // As in a task of Slurm.
    run(&project, &driver, "allotted", "cuda:all", Some("1")).exits_with(0);
    assert_eq!(gpus(&project, "allotted"), BTreeSet::from([named(41)]));
    let none = run(&project, &driver, "none", "cuda:all", Some("")).exits_with(2);
    assert!(none.err.contains("--device cuda:all: the CUDA driver finds no GPU"), "{}", none.err);
    let one = project.command(["bench", "jepa", "--device", "cuda:all"]).output().expect("the program runs");
    assert!(Output::from(one).exits_with(2).err.contains("expected one device"));
}

#[test]
fn a_gpu_that_fails_costs_its_cell_and_no_other() {
    let folder = TempDir::new().expect("a folder");
    let driver = driver_with(&folder, &["CODE=0", "LIMIT=(1ul<<30)", "BROKEN=1"]);
    let project = TestProject::new();
    let output = run(&project, &driver, "out", "cuda:all", None).exits_with(3);
    assert!(output.err.contains("GPU 1 does not work any more"), "{}", output.err);
    assert_eq!((project.results("out").len(), project.find("out", "failure.json").len()), (3, 1), "{}", output.err);
    run(&project, &driver, "out", "cuda:all", Some("0")).exits_with(0);
    assert_eq!(project.results("out").len(), 4);
}
