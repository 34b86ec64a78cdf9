//! The jobs that Slurm has in its queue, from squeue alone: many clusters keep no accounts.

use std::{collections::HashMap, process::Command};

use crate::error::{Error, Result};

/// The tasks of this user in the queue, by job and index in the array.
#[derive(Debug, Default)]
pub struct Queue(HashMap<(u64, usize), QueuedTask>);

/// A task in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedTask {
    /// Its state, such as `PENDING`.
    pub state: String,
    /// Why it waits, such as `Priority`, or where it runs.
    pub reason: String,
}

impl Queue {
    /// The queue as it is now.
    ///
    /// # Errors
    ///
    /// If squeue cannot be run, or fails.
    pub fn now() -> Result<Self> {
        let output = run("squeue", &["--noheader", "--array", "--me", "--states=all", "--format=%F|%K|%T|%R"])?;
        Ok(Self::parse(&output))
    }

    fn parse(output: &str) -> Self {
        let entry = |line: &str| {
            let mut fields = line.trim().splitn(4, '|');
            let (job, index) = (fields.next()?.parse().ok()?, fields.next()?.parse().unwrap_or(0));
            let state = fields.next()?.to_owned();
            let is_over = ENDED.contains(&state.as_str());
            let reason = fields.next()?.trim_matches(['(', ')']).to_owned();
            (!is_over).then_some(((job, index), QueuedTask { state, reason }))
        };
        Self(output.lines().filter_map(entry).collect())
    }

    /// The task of a job with this index in its array, if it is still to run.
    pub fn task(&self, job: u64, index: usize) -> Option<&QueuedTask> {
        self.0.get(&(job, index))
    }
}

/// States of tasks that will not run again; Slurm keeps them for some minutes.
const ENDED: [&str; 9] =
    ["BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT", "REVOKED"];

/// What a program of Slurm prints.
///
/// # Errors
///
/// If it cannot be run, or fails.
pub fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output().map_err(|e| {
        Error::Usage(format!(
            "{program}: {e}; --launcher slurm needs a machine on which Slurm's commands are installed"
        ))
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    Err(Error::Usage(format!("{program} {} failed: {said}", arguments.join(" "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_that_are_to_run_are_told_from_those_that_have_ended() {
        let queue = Queue::parse(
            "12|0|RUNNING|node1\n12|1|PENDING|(Priority)\n12|2|FAILED|(None)\n13|N/A|PENDING|(Dependency)\nnoise\n",
        );
        let state = |job, index| queue.task(job, index).map(|task| format!("{} {}", task.state, task.reason));
        assert_eq!(state(12, 0).as_deref(), Some("RUNNING node1"));
        assert_eq!(state(12, 1).as_deref(), Some("PENDING Priority"));
        assert_eq!(state(12, 2), None);
        assert_eq!(state(13, 0).as_deref(), Some("PENDING Dependency"));
    }
}
