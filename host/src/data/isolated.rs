//! Inspects files, each in a process of its own.
//!
//! HDF5 trusts what it reads: a damaged file can send it round for ever, or have it ask for any amount of memory. In a
//! process with a limit to its memory, and a supervisor that waits for so long and no longer, that costs one file.
//! Files are inspected side by side, since HDF5 does only one thing at a time within a process.

use std::{
    collections::HashMap,
    env,
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use physrep_benchmarks::inspect::{self, Finding, Findings, Report, Severity};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    cli::{cores, duration},
    display::{Display, seconds},
    supervise::cause,
    worker::end_with_supervisor,
};

/// The most memory that a file may take, in bytes. Reading one takes 64 MiB of values at a time, twice over, and the
/// program itself.
const MEMORY: u64 = 2 << 30;

/// Bytes in the unit that progress is counted in.
const MIB: u64 = 1 << 20;

/// What may be spent on a file.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Limits {
    /// Files that are read at a time [default: all cores].
    #[arg(long)]
    jobs: Option<usize>,
    /// Seconds without progress after which a file is taken to be damaged.
    #[arg(long, default_value_t = 60.0, value_name = "SECONDS")]
    patience: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { jobs: None, patience: 60.0 }
    }
}

/// What the process of one file is given.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// The file.
    path: PathBuf,
    /// Read the values, too.
    #[arg(long)]
    values: bool,
}

/// What the process of one file says, a line each.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Progress { done: u64, total: u64 },
    Report(Box<Report>),
}

impl Said {
    fn send(&self) -> io::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        io::stdout().lock().write_all(&line)
    }
}

/// Inspects one file and says the report to standard output.
pub(crate) fn one(one: &One) -> Result<ExitCode> {
    end_with_supervisor();
    limit_memory().map_err(Error::io("the limit to this process's memory"))?;
    let last = Mutex::new(Instant::now());
    let progress = |done: usize, total: usize, _: &str| {
        let mut last = last.lock().unwrap_or_else(|e| e.into_inner());
        let recent = last.elapsed() < Duration::from_millis(100);
        if !recent {
            *last = Instant::now();
        }
        let said = Said::Progress { done: done as u64, total: total as u64 };
        if recent || said.send().is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let report = inspect::inspect_file(&one.path, one.values, &progress)?;
    Said::Report(Box::new(report)).send().map_err(Error::io("standard output"))?;
    Ok(ExitCode::SUCCESS)
}

/// Packed files are mapped, and a map of a file does not count.
fn limit_memory() -> io::Result<()> {
    #[cfg(unix)]
    for (resource, most) in [(libc::RLIMIT_DATA, MEMORY), (libc::RLIMIT_CORE, 0)] {
        let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
        // SAFETY: sets a limit of this process from a structure that lives through the call.
        if unsafe { libc::setrlimit(resource, &limit) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Refuses files that HDF5 should not be trusted with: the first one whose outline cannot be read, or is not sound.
pub(crate) fn vet(paths: &[PathBuf], display: &Display, task: &str) -> Result<()> {
    let reports = inspect_all(paths, false, &Limits::default(), display, task)?;
    for path in paths {
        let mut findings = reports[path].findings.listed.iter();
        if let Some(finding) = findings.find(|finding| finding.severity == Severity::Error) {
            return Err(Error::File { path: path.clone(), reason: finding.to_string() });
        }
    }
    Ok(())
}

/// Inspects files, with their `values` or without, and shows as `task` how far it is. A file that cannot be inspected has
/// a report that says so.
pub(crate) fn inspect_all(
    paths: &[PathBuf],
    values: bool,
    limits: &Limits,
    display: &Display,
    task: &str,
) -> Result<HashMap<PathBuf, Report>> {
    let patience = duration("--patience", limits.patience)?;
    let jobs = limits.jobs.unwrap_or_else(cores).clamp(1, paths.len().max(1));
    let meter = Meter::new(paths, display, task);
    let next = AtomicUsize::new(0);
    let reports = Mutex::new(HashMap::new());
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let report = supervise(path, values, patience, &meter)?;
                        meter.advance(path, 1.0);
                        reports.lock().unwrap_or_else(|e| e.into_inner()).insert(path.clone(), report);
                    }
                    Ok(())
                })
            })
            .collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().try_for_each(join)
    })?;
    Ok(reports.into_inner().unwrap_or_else(|e| e.into_inner()))
}

/// Inspects one file; the error is about this program, never about the file.
fn supervise(path: &Path, values: bool, patience: Duration, meter: &Meter<'_>) -> Result<Report> {
    let mut log = tempfile::tempfile().map_err(Error::io(env::temp_dir()))?;
    let mut child = spawn(path, values, &log)?;
    let stdout = child.stdout.take().expect("the output is piped");
    let (sender, lines) = mpsc::channel();
    let reader = thread::spawn(move || {
        for line in BufReader::new(stdout).split(b'\n').map_while(io::Result::ok) {
            let Ok(said) = serde_json::from_slice::<Said>(&line) else { continue };
            if sender.send(said).is_err() {
                break;
            }
        }
    });
    let mut report = None;
    let mut impatient = false;
    loop {
        match lines.recv_timeout(patience) {
            Ok(Said::Progress { done, total }) => meter.advance(path, done as f64 / total.max(1) as f64),
            Ok(Said::Report(said)) => report = Some(*said),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                impatient = true;
                // It may have ended by itself meanwhile.
                let _ = child.kill();
                break;
            }
        }
    }
    let status = child.wait().map_err(Error::io(path))?;
    let _ = reader.join();
    Ok(report.unwrap_or_else(|| {
        let reason = if impatient {
            let waited = seconds(patience.as_secs_f64());
            format!("reading it came to nothing for {waited} and was stopped (--patience); the file is damaged")
        } else {
            format!(
                "reading it brought the reader down ({}{}); the file is damaged",
                cause(status),
                last_words(&mut log)
            )
        };
        let mut findings = Findings::default();
        findings.add(Finding::error("", reason));
        Report { bytes: fs::metadata(path).map_or(0, |found| found.len()), contents: None, findings }
    }))
}

fn spawn(path: &Path, values: bool, log: &File) -> Result<Child> {
    let program = env::current_exe().map_err(Error::io("this program"))?;
    let log = log.try_clone().map_err(Error::io(env::temp_dir()))?;
    Command::new(&program)
        .args(["data", "inspect-one"])
        .args(values.then_some("--values"))
        .arg("--")
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .map_err(Error::io(program))
}

/// The last line that a process has written.
fn last_words(log: &mut File) -> String {
    let mut text = Vec::new();
    let read = log.rewind().and_then(|()| log.take(4096).read_to_end(&mut text));
    let text = String::from_utf8_lossy(&text);
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty() && !line.starts_with("note:"));
    match (read, last) {
        (Ok(_), Some(last)) => format!(": {last}"),
        _ => String::new(),
    }
}

/// Adds up how far the files are.
struct Meter<'a> {
    display: &'a Display,
    task: &'a str,
    total: u64,
    /// Bytes of each file, and how many of them are done.
    files: Mutex<HashMap<&'a Path, [u64; 2]>>,
}

impl<'a> Meter<'a> {
    fn new(paths: &'a [PathBuf], display: &'a Display, task: &'a str) -> Self {
        let bytes = |path: &PathBuf| fs::metadata(path).map_or(0, |found| found.len());
        let files: HashMap<_, _> = paths.iter().map(|path| (path.as_path(), [bytes(path), 0])).collect();
        let total = files.values().map(|[bytes, _]| bytes).sum();
        Self { display, task, total, files: Mutex::new(files) }
    }

    fn advance(&self, path: &Path, part: f64) {
        let mut files = self.files.lock().unwrap_or_else(|e| e.into_inner());
        if let Some([bytes, done]) = files.get_mut(path) {
            *done = (*bytes as f64 * part) as u64;
        }
        let done: u64 = files.values().map(|[_, done]| done).sum();
        // Rounded so that only the last byte completes it.
        let left = (self.total - done).div_ceil(MIB);
        let total = self.total.div_ceil(MIB);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.display.progress(self.task, "MiB read", total.saturating_sub(left), total, &name);
    }
}
