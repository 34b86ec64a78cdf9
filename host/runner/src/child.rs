//! A child process of this program that sends messages as JSON lines: started, received from with a timeout, and ended.
//!
//! Everything that may crash, hang or exhaust memory runs in one: a cell, a benchmark, the inspection of a file.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io::{self, Read, Seek},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;

use crate::{
    device::VISIBLE,
    error::{Error, Result, plain},
    interrupt, messages,
    process_group::{self, POLL},
};

/// How long a child may take to stop before it is killed.
const GRACE: Duration = Duration::from_secs(3);

/// How to start a child.
#[derive(Debug)]
pub(crate) struct ChildSettings {
    /// Arguments of this program.
    pub arguments: Vec<OsString>,
    /// Threads of its thread pools; none for the default.
    pub threads: Option<usize>,
    /// Whether it stops when its standard input is closed.
    pub stops_at_end_of_input: bool,
    /// The GPU that it sees, by its name for `CUDA_VISIBLE_DEVICES`; none for those that this process sees.
    pub gpu: Option<String>,
    /// The file of its standard error.
    pub log: File,
}

/// A running child whose messages are of type `T`.
#[derive(Debug)]
pub(crate) struct SupervisedChild<T> {
    process: Child,
    messages: Receiver<T>,
}

/// How a child ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// Whether it was killed because it sent no message for too long.
    pub stalled: bool,
    /// Whether it was asked to stop because this process is to stop.
    pub interrupted: bool,
}

impl<T: DeserializeOwned + Send + 'static> SupervisedChild<T> {
    /// Starts a child in a new process group, so that Ctrl-C reaches only this process.
    ///
    /// # Errors
    ///
    /// If the process cannot be started.
    pub(crate) fn spawn(settings: ChildSettings) -> Result<Self> {
        let mut command = this_program().map_err(Error::io("this program"))?;
        process_group::of_its_own(&mut command);
        if let Some(threads) = settings.threads {
            limit_threads(&mut command, threads);
        }
        if let Some(gpu) = settings.gpu {
            command.env(VISIBLE, gpu);
        }
        let mut process = command
            .args(settings.arguments)
            .stdin(if settings.stops_at_end_of_input { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(settings.log)
            .spawn()
            .map_err(Error::io("this program"))?;
        let messages = messages::receive(process.stdout.take().expect("standard output is piped"));
        Ok(Self { process, messages })
    }

    /// Passes the child's messages to `on_message` until its process ends, and kills what it has left in its group. A child that
    /// sends nothing for longer than `patience`, or than `on_message` has returned since, is killed. If this process is to
    /// stop, so is the child, at once or, if it stops at the end of its input, after [`GRACE`].
    ///
    /// # Errors
    ///
    /// If its exit status cannot be read.
    pub(crate) fn watch(
        mut self,
        mut patience: Duration,
        mut on_message: impl FnMut(T) -> Duration,
    ) -> io::Result<Ended> {
        let mut silence = Silence::begin();
        let grace = if self.process.stdin.is_some() { GRACE } else { Duration::ZERO };
        let mut stop_requested: Option<Instant> = None;
        let mut stalled = false;
        loop {
            if interrupt::requested() {
                // Closing its standard input makes a cell write a checkpoint and exit.
                drop(self.process.stdin.take());
                if stop_requested.get_or_insert_with(Instant::now).elapsed() >= grace {
                    break;
                }
            }
            let received = self.messages.recv_timeout(POLL);
            if let Ok(message) = received {
                (patience, silence) = (on_message(message), Silence::begin());
                continue;
            }
            if process_group::has_ended(&mut self.process)? {
                break;
            }
            if received.is_err_and(|error| error == RecvTimeoutError::Disconnected) {
                // It has closed its output, and is about to end, or runs on.
                thread::sleep(POLL / 10);
            }
            stalled = silence.lasts() >= patience;
            if stalled {
                break;
            }
        }
        process_group::kill(&mut self.process);
        let status = self.process.wait()?;
        // What it sent before its end. A process that has left its group may hold its output open: that is not waited for.
        while let Ok(message) = self.messages.recv_timeout(POLL) {
            on_message(message);
        }
        Ok(Ended { status, stalled, interrupted: stop_requested.is_some() })
    }
}

/// A command that starts the program that runs now, even if another file has its name by now: it may be built again during a run.
pub(crate) fn this_program() -> io::Result<Command> {
    const RUNNING: &str = "/proc/self/exe";
    let running = cfg!(target_os = "linux") && Path::new(RUNNING).exists();
    let mut command = Command::new(if running { RUNNING.into() } else { env::current_exe()? });
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(&mut command, "physrep-bench");
    // So that the last line of the log is the reason of a crash.
    command.env("RUST_BACKTRACE", "0");
    Ok(command)
}

/// Gives a child this many threads to compute on.
fn limit_threads(command: &mut Command, threads: usize) {
    // Every library's thread pool reads this once, when it starts.
    command.env("RAYON_NUM_THREADS", threads.to_string());
    // Methods compute on those threads, with as much stack as a main thread has.
    command.env("RUST_MIN_STACK", (8 << 20).to_string());
    // candle has a second pool, whose threads busy-wait and would compete with rayon's for the cores.
    command.env("CANDLE_NUM_THREADS", "1");
}

/// Starts the process of a method, in the process group and with the log of this one. Its temporary files are in `scratch`; it has as
/// many threads as this process, or `threads`.
///
/// # Errors
///
/// If it cannot be started.
pub(crate) fn spawn_method(scratch: &Path, threads: Option<usize>) -> io::Result<Child> {
    let mut command = this_program()?;
    if let Some(threads) = threads {
        limit_threads(&mut command, threads);
    }
    for folder in ["TMPDIR", "XDG_CACHE_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR", "TRITON_CACHE_DIR"] {
        command.env(folder, scratch);
    }
    for secret in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] {
        command.env_remove(secret);
    }
    command.arg("method-one").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
}

/// How long a child has sent nothing. Time in which this process was suspended itself does not count.
struct Silence {
    lasted: Duration,
    seen: Instant,
}

impl Silence {
    fn begin() -> Self {
        Self { lasted: Duration::ZERO, seen: Instant::now() }
    }

    /// The silence until now; called at least once in every [`POLL`] or so.
    fn lasts(&mut self) -> Duration {
        self.lasted += self.seen.elapsed().min(5 * POLL);
        self.seen = Instant::now();
        self.lasted
    }
}

/// Makes this process, which has just begun, a child that its parent watches: it ends when the parent ends for any reason, because a
/// method in an endless loop would not notice, has only its standard streams, and what a plugin prints goes to its log.
///
/// # Errors
///
/// If the system cannot duplicate standard output.
pub fn begin_as_child() -> Result<()> {
    close_inherited();
    #[cfg(target_os = "linux")]
    // SAFETY: this call only sets an attribute of this process.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
    }
    messages::redirect_prints().map_err(Error::io("standard output"))
}

/// Closes what this process has inherited beyond its standard streams, such as files that a shell has left open.
fn close_inherited() {
    #[cfg(target_os = "linux")]
    // SAFETY: this process has just begun and has opened no descriptor itself. Before Linux 5.9 the call fails.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0);
    }
}

/// Limits the memory that this process may allocate, in bytes; mapped files do not count. A crash leaves no core file.
///
/// # Errors
///
/// If the system refuses.
pub(crate) fn limit_memory(bytes: u64) -> Result<()> {
    #[cfg(unix)]
    limit([(libc::RLIMIT_DATA, bytes), (libc::RLIMIT_CORE, 0)])?;
    Ok(())
}

/// Makes this process, and those that it starts, the first that the system ends when memory runs out.
pub(crate) fn first_to_go() {
    // Only Linux has this file, and lets any process make it worse for itself.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
}

/// The longest file that the process of a method may write, its log included, in bytes.
const LONGEST_FILE: u64 = 4 << 30;

/// Limits the files that this process may write. A crash leaves no core file.
///
/// # Errors
///
/// If the system refuses.
pub(crate) fn limit_files() -> Result<()> {
    #[cfg(unix)]
    limit([(libc::RLIMIT_FSIZE, LONGEST_FILE), (libc::RLIMIT_CORE, 0)])?;
    Ok(())
}

/// The type of a resource that is limited; it depends on the C library.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
type Resource = libc::__rlimit_resource_t;
#[cfg(all(unix, not(all(target_os = "linux", target_env = "gnu"))))]
type Resource = libc::c_int;

/// Lowers limits of this process, for good.
#[cfg(unix)]
fn limit(limits: [(Resource, u64); 2]) -> Result<()> {
    for (resource, max) in limits {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: both calls get a pointer to a structure that outlives them.
        let failed = unsafe {
            libc::getrlimit(resource, &mut limit) != 0 || {
                limit.rlim_max = limit.rlim_max.min(max as libc::rlim_t);
                limit.rlim_cur = limit.rlim_cur.min(limit.rlim_max);
                libc::setrlimit(resource, &limit) != 0
            }
        };
        if failed {
            return Err(Error::io("the limits of this process")(io::Error::last_os_error()));
        }
    }
    Ok(())
}

/// How a process ended, for messages.
#[cfg(unix)]
pub(crate) fn cause(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        Some(libc::SIGABRT) => "aborted".into(),
        Some(libc::SIGKILL) => "killed, perhaps out of memory".into(),
        Some(libc::SIGSEGV) => "segmentation fault".into(),
        Some(libc::SIGXFSZ) => format!("it wrote a file, or its log, of more than {} GiB", LONGEST_FILE >> 30),
        _ => status.to_string(),
    }
}

/// How a process ended, for messages.
#[cfg(not(unix))]
pub(crate) fn cause(status: ExitStatus) -> String {
    status.to_string()
}

/// The largest part of a log's end that is read, in bytes.
const LOG_TAIL: u64 = 64 << 10;

/// The [last line](last_line) of the log at `path`, if this process's standard error is that file.
pub(crate) fn last_line_of_own_log(path: &Path) -> String {
    #[cfg(unix)]
    {
        use std::os::{fd::AsFd, unix::fs::MetadataExt};
        let own = io::stderr().as_fd().try_clone_to_owned().and_then(|own| File::from(own).metadata());
        let log = File::open(path).and_then(|log| Ok((log.metadata()?, log)));
        if let (Ok(own), Ok((found, mut log))) = (own, log)
            && (own.dev(), own.ino()) == (found.dev(), found.ino())
        {
            return last_line(&mut log);
        }
    }
    String::new()
}

/// The last non-empty line of a log, to append to a message: `; last line of its log: ...`.
pub(crate) fn last_line(log: &mut File) -> String {
    let mut text = Vec::new();
    let from = log.metadata().map_or(0, |found| found.len().saturating_sub(LOG_TAIL));
    if log.seek(io::SeekFrom::Start(from)).and_then(|_| log.take(LOG_TAIL).read_to_end(&mut text)).is_err() {
        return String::new();
    }
    let text = String::from_utf8_lossy(&text);
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty() && !line.starts_with("note:"));
    last.map(|line| format!("; last line of its log: {}", plain(line))).unwrap_or_default()
}
