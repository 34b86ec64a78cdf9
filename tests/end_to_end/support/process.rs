//! The program while it runs: signals, and waiting for what it does.

use std::{
    fs,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::Output;

/// How long a condition may take to come true: much longer than on any working machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// The program, started in a process group of its own as a shell does. Its group is killed when this is dropped.
pub struct Running {
    child: Option<Child>,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let command = command.process_group(0).stdout(Stdio::null()).stderr(Stdio::piped());
        Self { child: Some(command.spawn().expect("the program runs")) }
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.as_ref().expect("started").id()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.as_mut().expect("started").try_wait().expect("waitable").is_some()
    }

    /// Ctrl-C, as a terminal sends it to the group.
    pub fn interrupt(&self) {
        self.signal(libc::SIGINT);
    }

    /// A signal for it and for each process that it has started, as a scheduler sends it.
    pub fn signal_all(&self, signal: i32) {
        self.signal_children(signal);
        // SAFETY: `kill` has no preconditions.
        unsafe { libc::kill(self.id() as i32, signal) };
    }

    /// A signal for each process that it has started.
    pub fn signal_children(&self, signal: i32) {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.id())).expect("a running process");
        let started = tasks.flat_map(|task| {
            let children = fs::read_to_string(task.expect("readable").path().join("children")).unwrap_or_default();
            children.split_whitespace().map(|id| id.parse().expect("a process")).collect::<Vec<i32>>()
        });
        for id in started.collect::<Vec<_>>() {
            // SAFETY: `kill` has no preconditions.
            unsafe { libc::kill(id, signal) };
        }
    }

    /// Waits for its end.
    pub fn output(mut self) -> Output {
        self.child.take().expect("started").wait_with_output().expect("an end").into()
    }

    /// SIGKILL, for it and for the processes that it has started.
    pub fn kill(self) {
        drop(self);
    }

    /// Sends a signal to the group, which was made for the child.
    fn signal(&self, signal: i32) {
        let Some(child) = &self.child else { return };
        // SAFETY: `kill` has no preconditions. The child has not been waited for, so the group is still its own.
        unsafe { libc::kill(-(child.id() as i32), signal) };
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.is_some() && !self.has_ended() {
            self.signal(libc::SIGKILL);
            self.child.as_mut().expect("it is there").wait().expect("waitable");
        }
    }
}

/// Waits until `met`.
#[track_caller]
pub fn wait_until(what: &str, mut met: impl FnMut() -> bool) {
    let start = Instant::now();
    while !met() {
        assert!(start.elapsed() < PATIENCE, "timed out waiting for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
