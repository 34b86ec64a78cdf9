//! A task that was stopped goes on in another one: Slurm is asked to run it again, unless somebody has cancelled it.

use std::env;

use super::queue::run;
use crate::output::note;

/// Has Slurm run the task of this process again, once this has ended. Tells how it went: what this process has to do is done.
pub fn requeue_this_task() {
    let Ok(job) = env::var("SLURM_JOB_ID") else {
        note!("--requeue: this is no task of Slurm");
        return;
    };
    let asked = run("scontrol", &["show", "job", &job]).and_then(|shown| match state(&shown) {
        // After its time limit a task may not have left the list yet.
        "RUNNING" | "TIMEOUT" => run("scontrol", &["requeue", &job]).map(|_| "it will run again".to_owned()),
        other => Ok(format!("it does not run again, because it is {other}")),
    });
    match asked {
        Ok(text) => note!("task {job} was stopped; {text}"),
        Err(error) => note!("task {job} was stopped, and cannot be asked to run again: {error}"),
    }
}

/// The state of a job in what `scontrol show job` prints.
fn state(shown: &str) -> &str {
    shown.split_whitespace().find_map(|word| word.strip_prefix("JobState=")).unwrap_or("unknown")
}
