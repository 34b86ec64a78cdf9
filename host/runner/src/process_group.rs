//! Child processes in groups of their own: Ctrl-C reaches only this process, and what a child starts ends with it.

use std::{
    collections::BTreeSet,
    io::{self, BufRead, BufReader, Read},
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, mpsc},
    thread,
    time::Duration,
};

use crate::{
    error::{Error, Result},
    interrupt,
};

/// How often this process checks whether a child has ended, and whether it is to stop itself.
pub(crate) const POLL: Duration = Duration::from_millis(100);

/// Makes `command` start in a new process group.
pub(crate) fn of_its_own(command: &mut Command) -> &mut Command {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command
}

/// Kills a child that was not waited for, with all processes of its group.
pub(crate) fn kill(process: &mut Child) {
    #[cfg(unix)]
    // SAFETY: this call only sends a signal. The group's number is not reused before the child was waited for.
    unsafe {
        libc::kill(-(process.id() as libc::pid_t), libc::SIGKILL);
    }
    #[cfg(not(unix))]
    // It fails if the child has already exited.
    let _ = process.kill();
}

/// Whether a child has ended. It is not waited for, so that its group keeps its number.
///
/// # Errors
///
/// If the system cannot tell.
pub(crate) fn has_ended(process: &mut Child) -> io::Result<bool> {
    #[cfg(unix)]
    {
        // SAFETY: zeros are a valid `siginfo_t`, and the call gets a pointer to one that outlives it.
        unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            match libc::waitid(libc::P_PID, process.id(), &mut info, options) {
                0 => Ok(info.si_pid() != 0),
                _ => Err(io::Error::last_os_error()),
            }
        }
    }
    #[cfg(not(unix))]
    Ok(process.try_wait()?.is_some())
}

/// Makes processes children of this one when their own parents end, so that [`end_orphans`] finds them.
pub(crate) fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    // SAFETY: this call only sets an attribute of this process.
    unsafe {
        libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1);
    }
}

/// The processes of methods that this process has started and that have not ended.
static METHODS: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Keeps a child of this process from [`end_orphans`], or no longer.
pub(crate) fn keep_child(id: u32, keep: bool) {
    let mut methods = METHODS.lock().unwrap_or_else(|e| e.into_inner());
    if keep {
        methods.insert(id);
    } else {
        methods.remove(&id);
    }
}

/// Kills all children of this process but those that it [keeps](keep_child), and theirs as they become children.
pub(crate) fn end_orphans() {
    #[cfg(target_os = "linux")]
    loop {
        let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let lists = tasks.map(|task| std::fs::read_to_string(task.path().join("children")).unwrap_or_default());
        let children: Vec<libc::pid_t> =
            lists.flat_map(|list| list.split_whitespace().flat_map(str::parse).collect::<Vec<_>>()).collect();
        let kept = METHODS.lock().unwrap_or_else(|e| e.into_inner()).clone();
        let children: Vec<_> = children.into_iter().filter(|&child| !kept.contains(&(child as u32))).collect();
        if children.is_empty() {
            break;
        }
        for child in children {
            // SAFETY: a child keeps its number until it is waited for; the call gets no pointer but null.
            unsafe {
                libc::kill(child, libc::SIGKILL);
                libc::waitpid(child, std::ptr::null_mut(), 0);
            }
        }
    }
}

/// Waits up to [`POLL`] for something to read, which the end of a pipe is, too.
#[cfg(unix)]
pub(crate) fn is_readable(pipe: &impl std::os::fd::AsRawFd) -> bool {
    let mut polled = libc::pollfd { fd: pipe.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: the pointer is to one structure that outlives the call.
    unsafe { libc::poll(&mut polled, 1, POLL.as_millis() as libc::c_int) > 0 }
}

/// Reading waits by itself.
#[cfg(not(unix))]
pub(crate) fn is_readable<T>(_pipe: &T) -> bool {
    true
}

/// Runs a command in a process group to its end and returns what it printed. `on_line` gets each line of its standard error as it comes. If
/// this process is to stop, the group is killed.
///
/// # Errors
///
/// [`Error::Interrupted`], or what `failed` makes of an error of the system.
pub(crate) fn output(
    command: &mut Command,
    on_line: &dyn Fn(&str),
    failed: impl Fn(io::Error) -> Error,
) -> Result<Output> {
    let command = of_its_own(command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().map_err(&failed)?;
    let mut stdout = process.stdout.take().expect("standard output is piped");
    let stdout = thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is what there is.
        let _ = stdout.read_to_end(&mut bytes);
        bytes
    });
    let stderr = BufReader::new(process.stderr.take().expect("standard error is piped"));
    let (sender, lines) = mpsc::channel();
    let reader =
        thread::spawn(move || stderr.split(b'\n').map_while(io::Result::ok).try_for_each(|line| sender.send(line)));
    let mut printed = Vec::new();
    let mut take = |line: Vec<u8>| {
        on_line(&String::from_utf8_lossy(&line));
        printed.extend(line);
        printed.push(b'\n');
    };
    while !has_ended(&mut process).map_err(&failed)? {
        if interrupt::requested() {
            kill(&mut process);
        }
        lines.try_iter().for_each(&mut take);
        thread::sleep(POLL / 10);
    }
    let status = process.wait().map_err(&failed)?;
    interrupt::check()?;
    // The reader ends with the pipe.
    let _ = reader.join();
    lines.try_iter().for_each(&mut take);
    Ok(Output { status, stdout: stdout.join().unwrap_or_default(), stderr: printed })
}
