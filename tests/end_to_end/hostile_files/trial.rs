//! One command on hostile files, in a process with limits of time and memory, and what must hold after it.

use std::{
    ffi::OsStr,
    fs,
    io::Read,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::support::TestProject;

/// How long a command may work before it is asked to stop: a suite may ask for much.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long it may take to stop.
const GRACE: Duration = Duration::from_secs(10);

/// The most memory of a process, in bytes, and the most that it may ask for.
const MEMORY: u64 = 2 << 30;
const ADDRESSES: u64 = 64 << 30;

/// The folder in a project in which commands run. Nothing may be written outside of it.
const INSIDE: &str = "outer/inner";

/// The commands of one test, and what went wrong.
pub struct Trials {
    kind: &'static str,
    files: u64,
    accepted: u64,
    interrupted: u64,
    problems: Vec<String>,
}

/// How a command ended.
struct End {
    code: Option<i32>,
    signal: i32,
    /// The peak of its resident memory and of what it started, in bytes.
    memory: u64,
    interrupted: bool,
    stuck: bool,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Trials {
    pub fn of(kind: &'static str) -> Self {
        Self { kind, files: 0, accepted: 0, interrupted: 0, problems: Vec::new() }
    }

    /// Lets `prepare` make the files of one trial in a new folder, and runs each of `commands` in it.
    pub fn run<S: AsRef<OsStr>>(
        &mut self,
        what: &str,
        prepare: impl FnOnce(&Path),
        commands: impl IntoIterator<Item = Vec<S>>,
    ) {
        let project = TestProject::new();
        let inside = project.path(INSIDE);
        fs::create_dir_all(&inside).expect("writable");
        prepare(&inside);
        self.files += 1;
        for arguments in commands {
            let shown: Vec<_> = arguments.iter().map(|argument| argument.as_ref().to_string_lossy()).collect();
            let place = format!("{} {what}, {}", self.kind, shown.join(" ").chars().take(300).collect::<String>());
            let end = end_of(project.command(&arguments), &inside);
            self.interrupted += u64::from(end.interrupted);
            self.accepted += u64::from(end.code == Some(0));
            self.problems.extend(problems(&end).into_iter().map(|problem| format!("{place}: {problem}")));
            let outside = entries(&project.path(".")) != ["outer"] || entries(&project.path("outer")) != ["inner"];
            if outside || Path::new("/tmp/physrep-escaped").exists() {
                self.problems.push(format!("{place}: it wrote outside of its folder"));
            }
        }
    }

    /// Prints what was done, and asserts that nothing went wrong.
    #[track_caller]
    pub fn end(self) {
        let Self { kind, files, accepted, interrupted, problems } = self;
        println!("{files} hostile files, {kind}: {accepted} commands accepted one, {interrupted} were interrupted");
        assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    }
}

/// What must not be.
fn problems(end: &End) -> Vec<String> {
    let mut found = Vec::new();
    let err = String::from_utf8_lossy(&end.err);
    let told: String = err.chars().take(600).collect();
    if end.stuck {
        found.push(format!("it did not stop: {told}"));
    } else if !matches!(end.code, Some(0..=3 | 130)) && (!end.interrupted || end.signal != libc::SIGINT) {
        found.push(format!("exit code {:?}, signal {}: {told}", end.code, end.signal));
    }
    if err.contains("panicked at") || err.contains("overflowed its stack") {
        found.push(format!("a panic: {told}"));
    }
    if matches!(end.code, Some(1..=3)) && err.trim().is_empty() && end.out.is_empty() {
        found.push("an error without a word".into());
    }
    if end.memory > MEMORY {
        found.push(format!("{} MiB of memory: {told}", end.memory >> 20));
    }
    for (stream, bytes) in [("standard output", &end.out), ("standard error", &end.err)] {
        let text = String::from_utf8_lossy(bytes);
        if let Some(control) = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}') {
            found.push(format!("{control:?} on {stream}"));
        }
    }
    found
}

/// Runs a command in a folder, interrupts it if it takes long, and kills it if it does not stop.
fn end_of(mut command: Command, folder: &Path) -> End {
    let limit = libc::rlimit { rlim_cur: ADDRESSES, rlim_max: ADDRESSES };
    command
        .current_dir(folder)
        .env("PHYSREP_DATA", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    // SAFETY: `setrlimit` may be called between fork and exec.
    unsafe {
        command.pre_exec(move || match libc::setrlimit(libc::RLIMIT_AS, &limit) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        });
    }
    #[expect(clippy::zombie_processes)] // `wait4` waits for it
    let mut child = command.spawn().expect("the program runs");
    let (out, err) = (read(child.stdout.take()), read(child.stderr.take()));
    let start = Instant::now();
    let (mut interrupted, mut stuck) = (false, false);
    let (status, memory) = loop {
        if let Some(ended) = reaped(&child) {
            break ended;
        }
        if start.elapsed() > PATIENCE && !interrupted {
            interrupted = true;
            signal(&child, libc::SIGINT);
        }
        if start.elapsed() > PATIENCE + GRACE && !stuck {
            stuck = true;
            signal(&child, libc::SIGKILL);
        }
        thread::sleep(Duration::from_millis(2));
    };
    let code = libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
    let signal = if libc::WIFSIGNALED(status) { libc::WTERMSIG(status) } else { 0 };
    let text = |reader: thread::JoinHandle<Vec<u8>>| reader.join().expect("it reads");
    End { code, signal, memory, interrupted, stuck, out: text(out), err: text(err) }
}

fn read(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    let mut stream = stream.expect("it is piped");
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        bytes
    })
}

/// The status and the peak memory of a child that has ended.
fn reaped(child: &Child) -> Option<(i32, u64)> {
    // SAFETY: zeros are a valid `rusage`, and the call fills in both values. The child is not waited for elsewhere.
    unsafe {
        let (mut status, mut usage) = (0, std::mem::zeroed::<libc::rusage>());
        let ended = libc::wait4(child.id() as i32, &mut status, libc::WNOHANG, &mut usage);
        (ended == child.id() as i32).then_some((status, usage.ru_maxrss as u64 * 1024))
    }
}

fn signal(child: &Child, signal: i32) {
    // SAFETY: `kill` has no preconditions, and the group was made for the child, which has not been waited for.
    unsafe { libc::kill(-(child.id() as i32), signal) };
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Copies a folder of many trials by hard links, which are removed before their file is changed.
pub fn link(folder: &Path, to: &Path) {
    for (path, file) in crate::support::files_below(folder) {
        let target = to.join(path);
        fs::create_dir_all(target.parent().expect("a folder")).expect("writable");
        fs::hard_link(&file, &target).or_else(|_| fs::copy(&file, &target).map(drop)).expect("linked");
    }
}

/// Replaces a file that may be a link.
pub fn replace(path: &Path, bytes: &[u8]) {
    let _ = fs::remove_file(path);
    fs::write(path, bytes).expect("writable");
}

/// The only file of that name below a folder, or the first of several.
pub fn find(folder: &Path, name: &str) -> PathBuf {
    let mut found = crate::support::files_below(folder);
    found.retain(|path, _| path.file_name().is_some_and(|file| file == name));
    found.pop_first().unwrap_or_else(|| panic!("{name} below {}", folder.display())).1
}
