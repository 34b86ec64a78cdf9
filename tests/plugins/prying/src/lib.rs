//! A method that looks for labels, in every way that a process has, and tries to harm what is not its own: the end-to-end tests show
//! with it that nothing is within its reach, even if it knows where everything is.

use std::{
    env,
    ffi::CString,
    fs,
    io::{self, Read, Seek, SeekFrom, Write},
    os::{
        fd::AsRawFd,
        unix::{ffi::OsStrExt, fs::symlink},
    },
    path::{Path, PathBuf},
};

use physrep_plugin_api::{About, Batch, Method, Params, Result, Setup, Step, Tensor, export_method, nn::Linear};
use serde::{Deserialize, Serialize};

/// What it knows.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Config {
    /// Files with labels, and folders of them.
    targets: Vec<PathBuf>,
    /// A process that is neither its own nor its parent.
    sibling: i32,
}

/// Writes to the log how a try ended.
fn tried(what: &str, outcome: io::Result<String>) {
    match outcome {
        Ok(found) => eprintln!("prying: {what}: REACHED {found}"),
        Err(why) => eprintln!("prying: {what}: refused ({why})"),
    }
}

/// The result of a system call.
fn call(returned: i64) -> io::Result<String> {
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(returned.to_string()) }
}

/// Reads the beginning of a file.
fn read(path: &Path) -> io::Result<String> {
    let mut bytes = [0; 64];
    let count = fs::File::open(path)?.read(&mut bytes)?;
    Ok(format!("{count} bytes of {}", path.display()))
}

/// Writes a file and leaves it there.
fn write(path: &Path) -> io::Result<String> {
    fs::File::options().create(true).append(true).open(path)?.write_all(b" ")?;
    Ok(path.display().to_string())
}

/// The files and folders that it knows, and those that it finds.
fn files(config: &Config, scratch: &Path) {
    for target in &config.targets {
        tried("a known file", read(target));
        tried("a known folder", fs::read_dir(target).map(|entries| format!("{} entries", entries.count())));
        tried("a place for a file", write(&target.join("planted")));
        tried("a file to change", write(target));
        // A process may be in a folder that it cannot read.
        let listed = env::set_current_dir(target).and_then(|()| fs::read_dir("."));
        tried("the folder that it is in", listed.map(|entries| format!("{} entries", entries.count())));
        let link = scratch.join("link");
        let linked = symlink(target, &link).and_then(|()| read(&link));
        tried("a link", linked);
        let _ = fs::remove_file(&link);
        tried("a hard link", fs::hard_link(target, &link).map(|()| "it".into()));
        tried("another name", fs::rename(target, scratch.join("taken")).map(|()| "it".into()));
        tried("removing it", fs::remove_file(target).map(|()| "it".into()));
        let path = CString::new(target.as_os_str().as_bytes()).expect("a path");
        // SAFETY: the path is a string that outlives these calls, and the other pointers are null or to a string.
        unsafe {
            tried("its mode", call(libc::chmod(path.as_ptr(), 0).into()));
            tried("its mode, again", call(libc::fchmodat(libc::AT_FDCWD, path.as_ptr(), 0, 0).into()));
            tried("its owner", call(libc::chown(path.as_ptr(), 0, 0).into()));
            tried("its time", call(libc::utimensat(libc::AT_FDCWD, path.as_ptr(), std::ptr::null(), 0).into()));
            let (name, value) = (c"user.left", c"a message");
            tried(
                "an attribute",
                call(libc::setxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), 9, 0).into()),
            );
            tried("its length", call(libc::truncate(path.as_ptr(), 0).into()));
        }
    }
    for folder in scratch.ancestors().skip(1).take(3) {
        tried("a folder above scratch", fs::read_dir(folder).map(|_| folder.display().to_string()));
        tried("a record", write(&folder.join("result.json")));
    }
    for folder in [".", "..", "/", "/tmp", "/dev/shm", "/root", "/home"] {
        tried("looking around", fs::read_dir(folder).map(|_| folder.into()));
    }
    for device in ["/dev/mem", "/dev/kmem", "/dev/sda", "/dev/vda", "/dev/tty"] {
        tried("a device", read(Path::new(device)));
    }
}

/// What it was started with.
fn inheritance() {
    for entry in fs::read_dir("/proc/self/fd").into_iter().flatten().flatten() {
        let Ok(target) = fs::read_link(entry.path()) else { continue };
        eprintln!("prying: holds {}", target.display());
    }
    for line in fs::read_to_string("/proc/self/maps").unwrap_or_default().lines() {
        if line.contains(".packed") || line.contains(".hdf5") || line.contains(".json") {
            tried("a map", Ok(line.into()));
        }
    }
}

/// Memory, descriptors, limits and life of another process.
fn process(id: i32) {
    for name in ["environ", "maps", "mem", "fd", "cwd", "root", "io", "map_files"] {
        let path = PathBuf::from(format!("/proc/{id}/{name}"));
        let linked = fs::read_dir(&path).and_then(|entries| {
            let links = entries.map(|entry| fs::read_link(entry?.path()));
            links.last().unwrap_or_else(|| Err(io::ErrorKind::NotFound.into()))
        });
        let reached = linked.or_else(|_| fs::read_link(&path)).map(|path| path.display().to_string());
        tried(name, reached.or_else(|_| read(&path)));
    }
    for descriptor in 0..16 {
        tried("a descriptor", read(Path::new(&format!("/proc/{id}/fd/{descriptor}"))));
    }
    let memory = fs::File::options().write(true).open(format!("/proc/{id}/mem"));
    tried("its memory", memory.and_then(|mut memory| memory.seek(SeekFrom::Start(0)).map(|_| "it".into())));
    let mut byte = 0u8;
    let local = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let remote = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let mut limits = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: pointers are valid for what these calls read and write.
    unsafe {
        tried("process_vm_readv", call(libc::process_vm_readv(id, &local, 1, &remote, 1, 0) as i64));
        tried("ptrace", call(libc::ptrace(libc::PTRACE_SEIZE, id, 0, 0)));
        tried("its limits", call(libc::prlimit(id, libc::RLIMIT_CPU, std::ptr::null(), &mut limits).into()));
        let mut processors: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(0, &mut processors);
        let size = size_of::<libc::cpu_set_t>();
        tried("its processors", call(libc::sched_setaffinity(id, size, &processors).into()));
        let idle = libc::sched_param { sched_priority: 0 };
        tried("its scheduling", call(libc::sched_setscheduler(id, libc::SCHED_IDLE, &idle).into()));
        tried("its priority", call(libc::setpriority(libc::PRIO_PROCESS, id as u32, 19).into()));
        tried("its input and output", call(libc::syscall(libc::SYS_ioprio_set, 1, id, 3 << 13)));
        tried("a signal", call(libc::kill(id, 0).into()));
        tried("stopping it", call(libc::kill(id, libc::SIGSTOP).into()));
        let descriptor = libc::syscall(libc::SYS_pidfd_open, id, 0);
        tried("pidfd_getfd", call(libc::syscall(libc::SYS_pidfd_getfd, descriptor, 3, 0)));
        tried("pidfd_send_signal", call(libc::syscall(libc::SYS_pidfd_send_signal, descriptor, libc::SIGSTOP, 0, 0)));
    }
}

/// The network, and ways out of the sandbox.
fn system() {
    // SAFETY: these calls get no pointers but null.
    unsafe {
        for family in [libc::AF_INET, libc::AF_INET6, libc::AF_UNIX, libc::AF_NETLINK] {
            tried("a socket", call(libc::socket(family, libc::SOCK_STREAM, 0).into()));
        }
        tried("shared memory", call(libc::shmget(0x7072, 4096, libc::IPC_CREAT | 0o666).into()));
        tried("a queue", call(libc::msgget(0x7072, libc::IPC_CREAT | 0o666).into()));
        tried("a session", call(libc::setsid().into()));
        tried("a process group", call(libc::setpgid(0, 0).into()));
        tried("a namespace", call(libc::unshare(libc::CLONE_NEWUSER).into()));
        let null = std::ptr::null::<libc::c_char>();
        tried("a mount", call(libc::mount(null, c"/".as_ptr(), null, libc::MS_REMOUNT, null.cast()).into()));
        tried("a key", call(libc::syscall(libc::SYS_keyctl, 0, 0, 0)));
    }
    let child = std::process::Command::new("cat").arg("/proc/1/environ").output();
    let read = child.and_then(|output| match output.status.success() {
        true => Ok("the environment of process 1".into()),
        false => Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned())),
    });
    tried("a program", read);
}

/// The clips, for which it has a descriptor.
fn clips() {
    for entry in fs::read_dir("/proc/self/fd").into_iter().flatten().flatten() {
        let Ok(target) = fs::read_link(entry.path()) else { continue };
        if target.to_string_lossy().contains("clips") {
            let shorter =
                fs::File::options().write(true).open(entry.path()).and_then(|file| match file.metadata()?.len() {
                    0 => Err(io::Error::other("there are none yet")),
                    _ => file.set_len(0),
                });
            tried("no clips for its cell", shorter.map(|()| "it".into()));
        }
    }
}

struct Prying {
    encoder: Linear,
    head: Linear,
}

impl Method for Prying {
    type Config = Config;
    const ABOUT: About = About { name: "prying", summary: "Looks for labels and tries to do harm.", reference: "" };

    fn new(config: &Config, setup: &Setup, params: &Params) -> Result<Self> {
        eprintln!("prying: begins, output {}", io::stdout().as_raw_fd());
        files(config, &setup.scratch_dir);
        inheritance();
        process(std::os::unix::process::parent_id() as i32);
        process(config.sibling);
        system();
        clips();
        println!("{{\"event\":\"done\"}}");
        eprintln!("prying: ends");
        let channels = setup.single_system()?.channels.len();
        Ok(Self {
            encoder: Linear::new(channels, 4, params.pp("encoder"))?,
            head: Linear::new(4, channels, params.pp("head"))?,
        })
    }

    fn loss(&self, batch: &Batch, _: &Step) -> Result<Tensor> {
        clips();
        Ok(self.head.forward(&self.encode(batch)?)?.sqr()?.mean_all()?)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        Ok(self.encoder.forward(&batch.clips.mean((2, 3, 4))?)?.unsqueeze(1)?)
    }
}

export_method!(Prying);
