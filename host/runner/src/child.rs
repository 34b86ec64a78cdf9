//! A child process of this program that reports in JSON lines: started, listened to with a time limit, and ended.
//!
//! Everything that may crash, hang or grow without bound runs in one: a cell, a benchmark, the inspection of a file.

use std::{
    env,
    ffi::OsString,
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread::{self, JoinHandle},
    time::Duration,
};

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// How to start a child.
#[derive(Debug)]
pub(crate) struct ChildSettings {
    /// Arguments of this program.
    pub arguments: Vec<OsString>,
    /// Threads of its thread pools; none for the default.
    pub threads: Option<usize>,
    /// Whether it is told to stop by the end of its standard input.
    pub stops_at_end_of_input: bool,
    /// The file of its standard error.
    pub log: File,
}

/// A running child whose messages are of type `T`.
#[derive(Debug)]
pub(crate) struct SupervisedChild<T> {
    process: Child,
    messages: Receiver<T>,
    reader: JoinHandle<()>,
}

/// What came from a child within a time limit.
#[derive(Debug)]
pub(crate) enum Heard<T> {
    /// A message.
    Message(T),
    /// Nothing.
    Silence,
    /// The end of its output.
    End,
}

impl<T: DeserializeOwned + Send + 'static> SupervisedChild<T> {
    /// Starts a child in a process group of its own, so that Ctrl-C reaches this process alone.
    pub(crate) fn spawn(settings: ChildSettings) -> Result<Self> {
        let program = env::current_exe().map_err(Error::io("this program"))?;
        let mut command = Command::new(&program);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        if let Some(threads) = settings.threads {
            // Every library's thread pool reads this once, when it starts.
            command.env("RAYON_NUM_THREADS", threads.to_string());
            // candle keeps a pool of its own beside rayon, whose threads spin while they wait and take the cores from it.
            command.env("CANDLE_NUM_THREADS", "1");
        }
        let mut process = command
            .args(settings.arguments)
            // The last line of the log is the reason of a crash, not a backtrace.
            .env("RUST_BACKTRACE", "0")
            .stdin(if settings.stops_at_end_of_input { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(settings.log)
            .spawn()
            .map_err(Error::io(program))?;
        let stdout = process.stdout.take().expect("standard output is piped");
        let (sender, messages) = mpsc::channel();
        let reader = thread::spawn(move || {
            // Other lines are a plugin's own prints.
            let lines = BufReader::new(stdout).split(b'\n').map_while(io::Result::ok);
            for message in lines.filter_map(|line| serde_json::from_slice(&line).ok()) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        Ok(Self { process, messages, reader })
    }

    /// Waits for the next message, for `limit` at most.
    pub(crate) fn hear(&self, limit: Duration) -> Heard<T> {
        match self.messages.recv_timeout(limit) {
            Ok(message) => Heard::Message(message),
            Err(mpsc::RecvTimeoutError::Timeout) => Heard::Silence,
            Err(mpsc::RecvTimeoutError::Disconnected) => Heard::End,
        }
    }

    /// Tells the child to leave a checkpoint and end.
    pub(crate) fn ask_to_stop(&mut self) {
        drop(self.process.stdin.take());
    }

    /// Kills the child.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself meanwhile.
        let _ = self.process.kill();
    }

    /// Waits for the end of the child.
    pub(crate) fn wait(mut self) -> io::Result<ExitStatus> {
        let status = self.process.wait();
        let _ = self.reader.join();
        status
    }
}

/// Asks the system to kill this process when its parent ends, however that happens: a method that loops would never notice.
pub fn end_with_parent() {
    #[cfg(target_os = "linux")]
    // SAFETY: sets an attribute of this process.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
    }
}

/// How a process ended, in a few words.
#[cfg(unix)]
pub(crate) fn cause(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        Some(libc::SIGABRT) => "aborted".into(),
        Some(libc::SIGKILL) => "killed, perhaps out of memory".into(),
        Some(libc::SIGSEGV) => "segmentation fault".into(),
        _ => status.to_string(),
    }
}

/// How a process ended, in a few words.
#[cfg(not(unix))]
pub(crate) fn cause(status: ExitStatus) -> String {
    status.to_string()
}

/// The most that is read of a log's end.
const LOG_TAIL: u64 = 64 << 10;

/// The last line of a log with something on it, for the end of a sentence: `; last line of its log: ...`.
pub(crate) fn last_line(log: &mut File) -> String {
    let mut text = Vec::new();
    let from = log.metadata().map_or(0, |found| found.len().saturating_sub(LOG_TAIL));
    if log.seek(io::SeekFrom::Start(from)).and_then(|_| log.take(LOG_TAIL).read_to_end(&mut text)).is_err() {
        return String::new();
    }
    let text = String::from_utf8_lossy(&text);
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty() && !line.starts_with("note:"));
    last.map(|line| format!("; last line of its log: {line}")).unwrap_or_default()
}
