//! Inspection of data files, each in a separate process.
//!
//! HDF5 trusts its input: a damaged file can make it loop forever or allocate any amount of memory. In a process with a memory limit
//! and a stall timeout, that fails only the file. Several processes also inspect files in parallel, which HDF5 cannot do within one.

use std::{
    collections::HashMap,
    env, fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use physrep_benchmarks::inspect::{self, Finding, Findings, Report, Severity};
use serde::{Deserialize, Serialize};

use crate::{
    child::{ChildSettings, SupervisedChild, begin_as_child, cause, last_line, limit_memory},
    error::{Error, Result},
    events::{DataProgress, DataStep},
    messages,
};

/// The memory limit of a process, in bytes. Reading a file takes two buffers of 64 MiB besides the program itself.
const MEMORY: u64 = 2 << 30;

/// The unit of progress, in bytes.
const MIB: u64 = 1 << 20;

/// Limits on the inspection of files.
#[derive(Clone, Copy, Debug)]
pub struct InspectionLimits {
    /// The number of files that are read concurrently.
    pub jobs: usize,
    /// Time without progress after which the process of a file is killed.
    pub stall_timeout: Duration,
}

impl Default for InspectionLimits {
    /// One file per core, 60 s.
    fn default() -> Self {
        Self { jobs: cores(), stall_timeout: Duration::from_secs(60) }
    }
}

/// A message of the process of one file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Message {
    Progress { done: u64, total: u64 },
    Report(Box<Report>),
}

/// Inspects one file, including its values if `values` is true, and writes the report to standard output. It runs in a separate
/// process.
///
/// # Errors
///
/// If the file cannot be opened at all, or standard output is closed.
pub fn inspect_in_this_process(path: &Path, values: bool) -> Result<()> {
    begin_as_child()?;
    limit_memory(MEMORY)?;
    let last = Mutex::new(Instant::now());
    let progress = |done: usize, total: usize, _: &str| {
        let mut last = last.lock().unwrap_or_else(|e| e.into_inner());
        let recent = last.elapsed() < Duration::from_millis(100);
        if !recent {
            *last = Instant::now();
        }
        let message = Message::Progress { done: done as u64, total: total as u64 };
        if recent || messages::send(&message).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let report = inspect::inspect_file(path, values, &progress)?;
    messages::send(&Message::Report(Box::new(report))).map_err(Error::io("standard output"))
}

/// Checks that HDF5 can safely read the files.
///
/// # Errors
///
/// The first error found in the structure of a file.
pub(super) fn check_structure(
    paths: &[PathBuf],
    task: &str,
    listener: &(dyn Fn(DataProgress<'_>) + Sync),
) -> Result<()> {
    let reports = inspect_files(paths, false, InspectionLimits::default(), task, listener)?;
    for path in paths {
        let mut findings = reports[path].findings.listed.iter();
        if let Some(finding) = findings.find(|finding| finding.severity == Severity::Error) {
            return Err(Error::file(path, finding.to_string()));
        }
    }
    Ok(())
}

/// Inspects files, including their values if `values` is true; progress is reported as that of `task`. For a file that cannot be
/// read, the report has an error.
///
/// # Errors
///
/// Only if a process cannot be started; invalid files are not errors here.
pub fn inspect_files(
    paths: &[PathBuf],
    values: bool,
    limits: InspectionLimits,
    task: &str,
    listener: &(dyn Fn(DataProgress<'_>) + Sync),
) -> Result<HashMap<PathBuf, Report>> {
    let jobs = limits.jobs.clamp(1, paths.len().max(1));
    let progress = BytesRead::new(paths, listener, task);
    let next = AtomicUsize::new(0);
    let reports = Mutex::new(HashMap::new());
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let report = supervise(path, values, limits.stall_timeout, &progress)?;
                        progress.advance(path, 1.0);
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

/// Inspects one file in a separate process; the error is never about the file.
fn supervise(path: &Path, values: bool, stall_timeout: Duration, progress: &BytesRead<'_>) -> Result<Report> {
    let mut log = tempfile::tempfile().map_err(Error::io(env::temp_dir()))?;
    let mut arguments: Vec<_> = ["data", "inspect-one"].map(Into::into).into();
    arguments.extend(values.then(|| "--values".into()));
    arguments.extend(["--".into(), path.into()]);
    let child = SupervisedChild::spawn(ChildSettings {
        arguments,
        threads: None,
        stops_at_end_of_input: false,
        gpu: None,
        log: log.try_clone().map_err(Error::io(env::temp_dir()))?,
    })?;
    let mut report = None;
    let ended = child.watch(stall_timeout, |message| {
        match message {
            Message::Progress { done, total } => progress.advance(path, done as f64 / total.max(1) as f64),
            Message::Report(found) => report = Some(*found),
        }
        stall_timeout
    });
    let ended = ended.map_err(Error::io(path))?;
    Ok(report.unwrap_or_else(|| {
        let reason = if ended.stalled {
            format!(
                "reading it timed out after {:.0} s without progress (--stall-timeout); it may be damaged",
                stall_timeout.as_secs_f64()
            )
        } else {
            format!("reading it crashed the reader ({}{}); it is damaged", cause(ended.status), last_line(&mut log))
        };
        let mut findings = Findings::default();
        findings.add(Finding::error("", reason));
        Report { bytes: fs::metadata(path).map_or(0, |found| found.len()), contents: None, findings }
    }))
}

/// The progress of reading all files, in bytes.
struct BytesRead<'a> {
    listener: &'a (dyn Fn(DataProgress<'_>) + Sync),
    task: &'a str,
    total: u64,
    /// The size of each file, and how many of its bytes are read.
    files: Mutex<HashMap<&'a Path, [u64; 2]>>,
}

impl<'a> BytesRead<'a> {
    fn new(paths: &'a [PathBuf], listener: &'a (dyn Fn(DataProgress<'_>) + Sync), task: &'a str) -> Self {
        let bytes = |path: &PathBuf| fs::metadata(path).map_or(0, |found| found.len());
        let files: HashMap<_, _> = paths.iter().map(|path| (path.as_path(), [bytes(path), 0])).collect();
        let total = files.values().map(|[bytes, _]| bytes).sum();
        Self { listener, task, total, files: Mutex::new(files) }
    }

    fn advance(&self, path: &Path, fraction: f64) {
        let mut files = self.files.lock().unwrap_or_else(|e| e.into_inner());
        if let Some([bytes, done]) = files.get_mut(path) {
            *done = (*bytes as f64 * fraction) as u64;
        }
        let done: u64 = files.values().map(|[_, done]| done).sum();
        // Rounded so that the progress is complete only after the last byte.
        let left = (self.total - done).div_ceil(MIB);
        let total = self.total.div_ceil(MIB);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        (self.listener)(DataProgress {
            task: self.task,
            step: DataStep::Inspect,
            done: total.saturating_sub(left),
            total,
            note: &name,
        });
    }
}

/// The number of cores that this process may use: by its affinity, by the quota of its cgroups, and in a task of Slurm by what that has
/// allocated, because not every Slurm confines its tasks.
pub fn cores() -> usize {
    let allowed = thread::available_parallelism().map_or(1, usize::from);
    let allocated = env::var("SLURM_JOB_ID").and_then(|_| env::var("SLURM_CPUS_ON_NODE"));
    match allocated.map(|count| count.parse()) {
        Ok(Ok(count @ 1..)) => allowed.min(count),
        _ => allowed,
    }
}
