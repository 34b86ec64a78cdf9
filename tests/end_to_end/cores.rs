//! How many cores a cell computes on: those that its process may use, not those of the machine.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{HOSTILE, Output, Suite, TestProject};

/// The threads of a cell, as its record says.
fn threads(project: &TestProject, out: &str) -> u64 {
    project.results(out)[0]["environment"]["threads"].as_u64().expect("a number")
}

/// The run of a cell at a time.
fn arguments(project: &TestProject, out: &str) -> Vec<String> {
    project.all(Suite::Micro, HOSTILE, out, &["--methods", "mean", "--jobs", "1"])
}

#[test]
fn affinity_and_what_slurm_has_allocated_are_heeded() {
    let project = TestProject::new();
    let program = project.command(arguments(&project, "bound"));
    let mut bound = Command::new("taskset");
    bound.args(["-c", "0"]).arg(program.get_program()).args(program.get_args()).current_dir(project.path(""));
    bound.env("PHYSREP_CUDA_DRIVER", "none").env("PHYSREP_DATA", project.path(""));
    Output::from(bound.output().expect("taskset")).exits_with(0);
    assert_eq!(threads(&project, "bound"), 1);

    let mut allocated = project.command(arguments(&project, "allocated"));
    allocated.env("SLURM_JOB_ID", "7").env("SLURM_CPUS_ON_NODE", "1");
    Output::from(allocated.output().expect("the program runs")).exits_with(0);
    assert_eq!(threads(&project, "allocated"), 1);
}

/// As in a container with a limit of one processor.
#[test]
fn the_quota_of_a_cgroup_is_heeded() {
    let Some(group) = group_with_a_quota() else {
        println!("SKIPPED: no cgroup with a quota can be made here");
        return;
    };
    let project = TestProject::new();
    let program = project.command(arguments(&project, "limited"));
    let enter = format!("echo $$ > {}/cgroup.procs && exec \"$0\" \"$@\"", group.display());
    let mut shell = Command::new("sh");
    shell.args(["-c", &enter]).arg(program.get_program()).args(program.get_args()).current_dir(project.path(""));
    shell.env("PHYSREP_CUDA_DRIVER", "none").env("PHYSREP_DATA", project.path(""));
    let output = Output::from(shell.output().expect("a shell"));
    // The group is empty once its processes have ended.
    let removed = fs::remove_dir(&group);
    output.exits_with(0);
    assert!(removed.is_ok(), "{removed:?}");
    assert_eq!(threads(&project, "limited"), 1);
}

/// A new cgroup whose processes have one processor, of either version of cgroups.
fn group_with_a_quota() -> Option<PathBuf> {
    let name = format!("physrep-test-{}", std::process::id());
    for (controllers, file, quota) in [
        ("/sys/fs/cgroup/cgroup.controllers", "cpu.max", "100000 100000"),
        ("/sys/fs/cgroup/cpu/cgroup.procs", "cpu.cfs_quota_us", "100000"),
    ] {
        let group = Path::new(controllers).with_file_name(&name);
        if !Path::new(controllers).exists() || fs::create_dir(&group).is_err() {
            continue;
        }
        if fs::OpenOptions::new()
            .write(true)
            .open(group.join(file))
            .is_ok_and(|mut file| file.write_all(quota.as_bytes()).is_ok())
        {
            return Some(group);
        }
        // Without a quota it is of no use.
        let _ = fs::remove_dir(&group);
    }
    None
}
