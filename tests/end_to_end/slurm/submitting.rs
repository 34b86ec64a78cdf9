//! `all --launcher slurm`, undisturbed.

use std::{fs, path::Path};

use super::cluster::Cluster;
use crate::support::{JEPA, Suite, TestProject, assert_same_outcome, outcome, replace_option};

#[test]
fn an_array_equals_all_on_one_machine() {
    let Some(cluster) = Cluster::start() else { return };
    let project = TestProject::new();
    let with_data = |arguments| replace_option(arguments, "--data", &project.path("fresh").display().to_string());
    let options = ["--launcher", "slurm", "--array-parallelism", "2", "--time", "30:00", "--gres", "gpu:1"];
    let more = ["--wait", "--sbatch=--comment=tested --nice=5"];
    let arguments = with_data(project.all(Suite::Micro, JEPA, "out", &[&options[..], &more].concat()));

    let shown = cluster.bench(&project, &[arguments.as_slice(), &["--dry-run".into()]].concat()).exits_with(0).out;
    for part in
        ["--array=0-3%2", "--gres=gpu:1", "--comment=tested --nice=5", "exec $command", "data generate shear_flow"]
    {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert!(!project.path("out").exists(), "nothing is written");

    let output = cluster.bench(&project, &arguments).exits_with(0);
    for stage in ["data, 1 task", "plan, 1 task", "cells, 4 tasks", "tables, 1 task"] {
        assert!(output.out.contains(stage), "{stage} in {}", output.out);
    }
    assert!(output.err.contains("4 of 4 cells done, 0 failed"), "{}", output.err);
    let again = cluster.bench(&project, &arguments).exits_with(0);
    assert!(again.out.contains("nothing to submit"), "{}", again.out);

    project.run(with_data(project.all(Suite::Micro, JEPA, "whole", &[]))).exits_with(0);
    let packed = |folder: &Path| fs::read(folder.join("shear_flow/micro-v1.packed")).expect("readable");
    assert!(packed(&project.path("fresh")) == packed(Suite::Micro.data()), "the data differs");
    assert_same_outcome(&project.path("out"), &outcome(&project.path("whole")), "as an array");
    let scores = |run: &str| fs::read_to_string(project.path(run).join("scores.csv")).expect("readable");
    assert_eq!(scores("out"), scores("whole"));
    let status = cluster.bench(&project, &["status".into(), "out".into()]).exits_with(0);
    assert!(status.out.contains("4 of 4 cells done") && status.out.contains("0 cells in the queue"), "{}", status.out);
}

#[test]
fn without_slurm_the_error_says_so_and_a_table_of_a_file_gives_the_options() {
    let project = TestProject::new();
    project.write("physrep-bench.toml", "[launcher]\npartition = \"short\"\n");
    let arguments =
        |more: &[&str]| project.all(Suite::Micro, JEPA, "out", &[&["--launcher", "slurm"][..], more].concat());
    let without = |more: &[&str]| {
        let mut command = project.command(arguments(more));
        crate::support::Output::from(command.env("PATH", project.path("")).output().expect("the program runs"))
    };
    let error = without(&[]).exits_with(2);
    assert!(error.err.contains("squeue") && error.err.contains("Slurm's commands"), "{}", error.err);
    let scripts = without(&["--dry-run"]).exits_with(0).out;
    assert!(scripts.contains("#SBATCH --partition=short"), "{scripts}");
    let other = without(&["--dry-run", "--partition", "long"]).exits_with(0).out;
    assert!(other.contains("#SBATCH --partition=long"), "{other}");
    project.run(["all", "--dry-run"]).exits_with(2);
}
