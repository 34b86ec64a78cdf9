//! A Slurm of one node, for one test.

use std::{
    net::TcpListener,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::support::{Output, Running, TestProject, fixture, wait_until};

/// A running Slurm, which ends when this is dropped.
pub struct Cluster {
    folder: TempDir,
}

impl Cluster {
    /// Starts one; none, with a line that says so, where it is not installed.
    pub fn start() -> Option<Self> {
        let folder = TempDir::new().expect("a folder");
        // SAFETY: the call has no preconditions.
        let is_root = unsafe { libc::geteuid() } == 0;
        if !is_root || !Self::script(&["installed"]).status().is_ok_and(|status| status.success()) {
            println!(
                "SKIPPED: there is no Slurm to start here; `tests/support/slurm install` brings it, as root on Debian"
            );
            return None;
        }
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
        let [control, node] = listeners.map(|listener| listener.local_addr().expect("bound").port().to_string());
        let cluster = Self { folder };
        cluster.run("start", &[&control, &node]);
        Some(cluster)
    }

    fn script(arguments: &[&str]) -> Command {
        let mut command = Command::new(fixture("support/slurm"));
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Runs a command of the script on this cluster.
    pub fn run(&self, command: &str, more: &[&str]) {
        let folder = self.folder.path().display().to_string();
        let status = Self::script(&[&[command, &folder][..], more].concat()).status().expect("it runs");
        assert!(status.success(), "{command}");
    }

    /// A program with this cluster's configuration.
    pub fn on(&self, mut command: Command) -> Command {
        command.env("SLURM_CONF", self.folder.path().join("slurm.conf"));
        command
    }

    /// The benchmark in a project, with this cluster's Slurm.
    pub fn bench(&self, project: &TestProject, arguments: &[String]) -> Output {
        self.on(project.command(arguments)).output().expect("the program runs").into()
    }

    /// The benchmark in a project, which runs on beside the test.
    pub fn start_bench(&self, project: &TestProject, arguments: &[String]) -> Running {
        Running::start(self.on(project.command(arguments)))
    }

    /// What a program of Slurm prints.
    pub fn slurm(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(arguments);
        let output = Output::from(self.on(command).output().expect("the program runs"));
        output.out + &output.err
    }

    /// The numbers of the tasks in the queue that are in this state.
    pub fn tasks(&self, state: &str) -> Vec<String> {
        let printed = self.slurm("squeue", &["--noheader", "--array", &format!("--states={state}"), "--format=%i"]);
        printed.split_whitespace().map(str::to_owned).collect()
    }

    /// Waits until nothing is in the queue.
    pub fn wait_until_empty(&self) {
        wait_until("the end of all tasks", || self.tasks("PENDING,RUNNING,COMPLETING,CONFIGURING").is_empty());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let cancelled = self.tasks("PENDING,RUNNING");
        for task in cancelled {
            self.slurm("scancel", &["--signal=KILL", "--full", &task]);
            self.slurm("scancel", &[&task]);
        }
        let folder = self.folder.path().display().to_string();
        // Whatever it says, the folder is removed.
        let _ = Self::script(&["stop", &folder]).status();
    }
}
