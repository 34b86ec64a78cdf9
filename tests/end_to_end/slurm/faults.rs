//! Whatever happens to tasks, what ends after they were submitted again has the bytes of an undisturbed run.

use std::{fs, thread, time::Duration};

use super::cluster::Cluster;
use crate::support::{HOSTILE, JEPA, Suite, TestProject, assert_same_outcome, outcome, wait_until};

/// Two methods, of which one takes a tenth of a second a step, with hundreds of steps.
fn arguments(project: &TestProject, out: &str, more: &[&str]) -> Vec<String> {
    let hostile = HOSTILE.argument();
    let settings = ["--plugins", &hostile, "--methods", "jepa,hostile,mean", "--set", "hostile.slow=100"];
    let arguments = project.all(Suite::Micro, JEPA, out, &[&settings[..], more].concat());
    project.with_suite(arguments, "long.toml", &Suite::Micro.text().replacen("samples = 24", "samples = 800", 1))
}

/// Waits until the slow cell has gone on since `before`, the length of its curves; gives what it is now.
fn wait_for_steps(project: &TestProject, before: u64) -> u64 {
    let length = || {
        let curves = project.find("out", "curves.jsonl");
        let slow = curves.iter().find(|(path, _)| path.to_string_lossy().contains("/hostile/"));
        slow.and_then(|(_, path)| fs::metadata(path).ok()).map_or(0, |file| file.len())
    };
    wait_until("further steps", || length() > before + 500);
    length()
}

/// The task of the slow cell, which is running.
fn slow_task(cluster: &Cluster, project: &TestProject) -> String {
    let mut task = None;
    wait_until("the task of the slow cell", || {
        let running = cluster.tasks("RUNNING");
        let of_slow = |task: &&String| {
            let (job, index) = task.split_once('_').expect("a task of an array");
            let job: u64 = job.parse().expect("a number");
            let jobs = project.find("out/launch", "jobs.json");
            jobs.values().any(|path| {
                let submission = crate::support::read_json(path);
                submission["jobs"].as_array().expect("jobs").iter().any(|listed| {
                    let index: usize = index.parse().expect("a number");
                    listed["job"].as_u64() == Some(job) && listed["tasks"][index] == "shear_flow/hostile/seed0"
                })
            })
        };
        task = running.iter().find(of_slow).cloned();
        task.is_some()
    });
    task.expect("a task")
}

#[test]
fn whatever_happens_to_tasks_the_end_is_that_of_an_undisturbed_run() {
    let Some(cluster) = Cluster::start() else { return };
    let project = TestProject::new();
    let undisturbed = cluster.start_bench(&project, &arguments(&project, "whole", &["--jobs", "1"]));
    let submit = arguments(&project, "out", &["--launcher", "slurm", "--attempts", "20", "--checkpoint-every", "1"]);
    let first = cluster.bench(&project, &submit).exits_with(0);
    assert!(first.out.contains("cells, 5 tasks"), "{}", first.out);

    // A second submission, while the first is at work.
    let mut steps = wait_for_steps(&project, 0);
    let second = cluster.bench(&project, &submit).exits_with(0);
    assert!(second.out.contains("nothing to submit"), "{}", second.out);
    let status = cluster.bench(&project, &["status".into(), "out".into()]).exits_with(0);
    assert!(status.out.contains("hostile on shear_flow"), "{}", status.out);

    // Put back into the queue, by its owner; by a signal to the first process, such as that before its time limit; by one to all.
    let task = slow_task(&cluster, &project);
    cluster.slurm("scontrol", &["requeue", &task]);
    steps = wait_for_steps(&project, steps);
    for (signal, to) in [("USR1", "--batch"), ("TERM", "--full"), ("HUP", "--full")] {
        let task = slow_task(&cluster, &project);
        cluster.slurm("scancel", &[to, &format!("--signal={signal}"), &task]);
        wait_until("the end of the task that was told to stop", || !cluster.tasks("RUNNING").contains(&task));
        steps = wait_for_steps(&project, steps);
    }

    // Its machine vanishes.
    cluster.run("lose-node", &[]);
    thread::sleep(Duration::from_secs(1));
    cluster.run("bring-node", &[]);
    wait_for_steps(&project, steps);

    // Cancelled: it does not come back by itself, and is submitted again.
    let task = slow_task(&cluster, &project);
    cluster.slurm("scancel", &[&task]);
    wait_until("the end of the cancelled task", || {
        !cluster.tasks("all").contains(&task) || !cluster.tasks("PENDING,RUNNING,COMPLETING").contains(&task)
    });
    let third = cluster.bench(&project, &submit).exits_with(0);
    assert!(third.out.contains("cells, 1 task") && third.out.contains("tables, 1 task"), "{}", third.out);
    cluster.wait_until_empty();

    undisturbed.output().exits_with(0);
    assert_same_outcome(&project.path("out"), &outcome(&project.path("whole")), "after all that");
    assert!(project.path("out/table.md").is_file() && project.path("out/report/report.html").is_file());
}
