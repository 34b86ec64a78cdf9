//! Makes system calls fail that change files, in a command and in all processes that it starts: the kernel asks a thread of this process
//! before each of them (`SECCOMP_RET_USER_NOTIF`).

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File},
    io,
    mem::offset_of,
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::{ffi::OsStringExt, fs::FileExt},
    },
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc,
    thread,
};

use libc::{seccomp_data, seccomp_notif, seccomp_notif_resp, sock_filter, sock_fprog};

use super::Output;

/// What calls do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    Write,
    Sync,
    Rename,
    Create,
    Resize,
    Close,
    Remove,
}

/// Where a call has the file that it is about.
#[derive(Clone, Copy)]
enum Place {
    /// The descriptor that is this argument.
    Descriptor(usize),
    /// The path that is this argument, below the folder whose descriptor is the argument before.
    PathAt(usize),
    /// The path that is this argument.
    Path(usize),
}

/// The calls that may fail.
const CALLS: &[(libc::c_long, Action, Place)] = &[
    (libc::SYS_write, Action::Write, Place::Descriptor(0)),
    (libc::SYS_pwrite64, Action::Write, Place::Descriptor(0)),
    (libc::SYS_writev, Action::Write, Place::Descriptor(0)),
    (libc::SYS_pwritev, Action::Write, Place::Descriptor(0)),
    (libc::SYS_pwritev2, Action::Write, Place::Descriptor(0)),
    (libc::SYS_sendfile, Action::Write, Place::Descriptor(0)),
    (libc::SYS_copy_file_range, Action::Write, Place::Descriptor(2)),
    (libc::SYS_fsync, Action::Sync, Place::Descriptor(0)),
    (libc::SYS_fdatasync, Action::Sync, Place::Descriptor(0)),
    (libc::SYS_renameat, Action::Rename, Place::PathAt(3)),
    (libc::SYS_renameat2, Action::Rename, Place::PathAt(3)),
    (libc::SYS_linkat, Action::Rename, Place::PathAt(3)),
    (libc::SYS_openat, Action::Create, Place::PathAt(1)),
    (libc::SYS_mkdirat, Action::Create, Place::PathAt(1)),
    (libc::SYS_ftruncate, Action::Resize, Place::Descriptor(0)),
    (libc::SYS_fallocate, Action::Resize, Place::Descriptor(0)),
    (libc::SYS_close, Action::Close, Place::Descriptor(0)),
    (libc::SYS_unlinkat, Action::Remove, Place::PathAt(1)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_rename, Action::Rename, Place::Path(1)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_link, Action::Rename, Place::Path(1)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, Action::Create, Place::Path(0)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mkdir, Action::Create, Place::Path(0)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_unlink, Action::Remove, Place::Path(0)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_rmdir, Action::Remove, Place::Path(0)),
];

/// Those that create a file only with `O_CREAT`, in the argument after the path.
const OPENS: &[libc::c_long] = &[
    libc::SYS_openat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
];

/// Which calls fail, and how.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub action: Action,
    /// The first of them, from 1 on.
    pub call: u64,
    /// Whether all later ones fail, too.
    pub stays: bool,
    /// The error number.
    pub error: i32,
}

/// What came of a command.
pub struct Faulted {
    pub output: Output,
    /// The calls of each kind.
    pub calls: BTreeMap<Action, u64>,
    /// The files whose calls failed.
    pub failed: Vec<PathBuf>,
}

/// Runs a command in which calls about files below `folder` fail. `None`, with a printed line, where the kernel does not let it.
pub fn run(mut command: Command, folder: &Path, fault: Option<Fault>) -> Option<Faulted> {
    let (sender, listener) = mpsc::channel();
    // The filter is of that thread and of what it starts, and this one is free to answer.
    let thread = thread::spawn(move || {
        let listener = listen();
        let installed = listener.is_ok();
        sender.send(listener).expect("received");
        installed.then(|| command.output().expect("the program runs"))
    });
    let listener = match listener.recv().expect("sent") {
        Ok(listener) => listener,
        Err(error) => {
            println!("SKIPPED: the kernel does not tell of system calls: {error}");
            return None;
        }
    };
    let (mut calls, mut failed) = (BTreeMap::new(), Vec::new());
    while let Some(call) = next(&listener) {
        let about = subject(&call).filter(|(_, path)| path.starts_with(folder));
        let fails = about.and_then(|(action, path)| {
            let count = calls.entry(action).or_insert(0);
            *count += 1;
            let fault = fault.filter(|fault| fault.action == action)?;
            let fails = if fault.stays { *count >= fault.call } else { *count == fault.call };
            fails.then(|| {
                failed.push(path);
                fault.error
            })
        });
        answer(&listener, &call, fails);
    }
    let output = thread.join().expect("no panic").expect("a filter").into();
    Some(Faulted { output, calls, failed })
}

/// Has the kernel ask before each of [`CALLS`] of this thread and of what it starts.
fn listen() -> io::Result<OwnedFd> {
    let statement = |code: u32, jt, jf, k| sock_filter { code: code as u16, jt, jf, k };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let mut filter = vec![statement(load, 0, 0, offset_of!(seccomp_data, nr) as u32)];
    for (number, ..) in CALLS {
        filter.push(statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, *number as u32));
        filter.push(statement(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_USER_NOTIF));
    }
    filter.push(statement(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW));
    let program = sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: both calls are about this thread alone; the program and its filter outlive the second one.
    let listener = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
    };
    if listener < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(listener as i32) })
}

/// The next call; none when every process has ended.
fn next(listener: &OwnedFd) -> Option<seccomp_notif> {
    loop {
        let mut ready = libc::pollfd { fd: listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: the structure outlives the call.
        unsafe { libc::poll(&raw mut ready, 1, -1) };
        if ready.revents & libc::POLLHUP != 0 {
            return None;
        }
        // SAFETY: zeros are a valid value of this plain structure, which outlives the call, and which the kernel wants to be zero.
        let received = unsafe {
            let mut call: seccomp_notif = std::mem::zeroed();
            let code = libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut call);
            (code == 0).then_some(call)
        };
        // A process may have been killed since.
        if received.is_some() {
            return received;
        }
    }
}

/// Lets a call fail with an error, or happen.
fn answer(listener: &OwnedFd, call: &seccomp_notif, error: Option<i32>) {
    let flags = if error.is_some() { 0 } else { libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32 };
    let mut response = seccomp_notif_resp { id: call.id, val: 0, error: -error.unwrap_or(0), flags };
    // SAFETY: the structure outlives the call, which fails if the process has been killed since.
    unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut response) };
}

/// What a call does, and to which file.
fn subject(call: &seccomp_notif) -> Option<(Action, PathBuf)> {
    let (number, action, place) = *CALLS.iter().find(|(number, ..)| *number == libc::c_long::from(call.data.nr))?;
    let process = PathBuf::from(format!("/proc/{}", call.pid));
    let descriptor = |number: u64| match number as i32 {
        libc::AT_FDCWD => fs::read_link(process.join("cwd")),
        number => fs::read_link(process.join(format!("fd/{number}"))),
    };
    let arguments = &call.data.args;
    let (path, at) = match place {
        Place::Descriptor(at) => {
            let path = descriptor(arguments[at]).ok()?;
            // A folder that has been read loses nothing when it is closed, and the standard library panics if that fails.
            let matters = action != Action::Close || !path.is_dir();
            return matters.then_some((action, path));
        }
        Place::Path(at) => (descriptor(libc::AT_FDCWD as u64).ok()?.join(text(&process, arguments[at])?), at),
        Place::PathAt(at) => (descriptor(arguments[at - 1]).ok()?.join(text(&process, arguments[at])?), at),
    };
    let creates = !OPENS.contains(&number) || arguments[at + 1] & libc::O_CREAT as u64 != 0;
    creates.then_some((action, path))
}

/// The text at an address of a process.
fn text(process: &Path, address: u64) -> Option<OsString> {
    let mut bytes = vec![0; libc::PATH_MAX as usize];
    let read = File::open(process.join("mem")).and_then(|memory| memory.read_at(&mut bytes, address)).ok()?;
    bytes.truncate(bytes[..read].iter().position(|&byte| byte == 0)?);
    Some(OsString::from_vec(bytes))
}
