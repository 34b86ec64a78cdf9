//! Runs cells, one worker process each, so that whatever happens to a worker costs its cell and nothing else.

use std::{
    collections::VecDeque,
    env,
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use crate::{
    Error, Result,
    cell::{Cell, CellFolder, Outcome, PretrainingFolder},
    display::{Display, seconds},
    events::{Event, Phase},
    files,
    result::{Failure, SCHEMA},
};

/// How cells are run. Nothing here changes a score.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Workers at a time.
    pub jobs: usize,
    /// Threads of a worker.
    pub threads: usize,
    /// A worker that tells nothing for this long, other than in the probes, is killed.
    pub stall_timeout: Duration,
    /// Time between checkpoints of pretraining.
    pub checkpoint_every: Duration,
}

/// Runs the cells that have no result yet. Failed ones are tried again.
///
/// A cell's failure is written beside it and is no error here.
pub fn run(cells: &[Cell], out: &Path, policy: &Policy, display: &Display) -> Result<()> {
    let mut missing = Vec::new();
    for cell in cells {
        match cell.folder(out).outcome()? {
            Outcome::Done(_) => display.line(&format!("{}: done before, kept", cell.title())),
            Outcome::Failed(_) | Outcome::Missing => missing.push(cell),
        }
    }
    let queue = Mutex::new(groups(&missing, out));
    let take = || queue.lock().unwrap_or_else(|e| e.into_inner()).pop_front();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..policy.jobs.max(1))
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    while let Some(group) = take() {
                        run_group(&group, out, policy, display)?;
                    }
                    Ok(())
                })
            })
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// The cells in their order, those that share a pretraining together at the place of the first.
fn groups<'a>(cells: &[&'a Cell], out: &Path) -> VecDeque<Vec<&'a Cell>> {
    let mut groups: VecDeque<(PathBuf, Vec<&Cell>)> = VecDeque::new();
    for &cell in cells {
        let pretraining = cell.pretraining(out).path().to_owned();
        match groups.iter_mut().find(|(shared, _)| *shared == pretraining) {
            Some((_, group)) => group.push(cell),
            None => groups.push_back((pretraining, vec![cell])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Runs cells that share a pretraining one after the other: the first one pretrains. If that fails, so do the others,
/// untried.
fn run_group(cells: &[&Cell], out: &Path, policy: &Policy, display: &Display) -> Result<()> {
    for (place, cell) in cells.iter().enumerate() {
        let (folder, pretraining) = (cell.folder(out), cell.pretraining(out));
        files::write_json(&folder.spec(), cell)?;
        let clock = Instant::now();
        let Err(reason) = attempt(cell, &folder, &pretraining, policy, display) else {
            display.finish(&cell.title(), &format!("done in {}", seconds(clock.elapsed().as_secs_f64())));
            continue;
        };
        let fail = |cell: &Cell, reason: &str| {
            display.finish(&cell.title(), &format!("failed: {reason} (log: {})", folder.log().display()));
            let failure = Failure { schema: SCHEMA, identity: cell.identity(), reason: reason.to_owned() };
            files::write_json(&cell.folder(out).failure(), &failure)
        };
        if cell.joint.is_empty() || pretraining.record().is_file() {
            fail(cell, &reason)?;
            continue;
        }
        let reason = format!("the joint pretraining failed: {reason}");
        return cells[place..].iter().try_for_each(|cell| fail(cell, &reason));
    }
    Ok(())
}

/// One worker from start to end; the error says what became of it.
fn attempt(
    cell: &Cell,
    folder: &CellFolder,
    pretraining: &PretrainingFolder,
    policy: &Policy,
    display: &Display,
) -> std::result::Result<(), String> {
    let mut worker = spawn(folder, pretraining, policy).map_err(|e| e.to_string())?;
    let stdout = worker.stdout.take().expect("the worker's output is piped");
    let (sender, events) = mpsc::channel();
    let reader = thread::spawn(move || {
        for event in Event::read(BufReader::new(stdout)) {
            if sender.send(event).is_err() {
                break;
            }
        }
    });
    let mut phase = Phase::Start;
    let mut ended = None;
    loop {
        // The probes are the host's own, and one may fit for long without a word.
        let patience = if phase == Phase::Probe { Duration::MAX } else { policy.stall_timeout };
        match events.recv_timeout(patience) {
            Ok(Event::Progress { phase: now, done, total, note }) => {
                phase = now;
                if now != Phase::Start {
                    display.progress(&cell.title(), now.name(), done, total, &note);
                }
            }
            Ok(last) => ended = Some(last),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                kill(&mut worker);
                let _ = reader.join();
                return Err(format!(
                    "no progress for {} in {}; killed (--stall-timeout)",
                    seconds(policy.stall_timeout.as_secs_f64()),
                    phase.name()
                ));
            }
        }
    }
    let _ = reader.join();
    let status = worker.wait().map_err(|e| format!("the worker's end was not seen: {e}"))?;
    match ended {
        Some(Event::Failed { reason }) => Err(reason),
        Some(Event::Done) if folder.result().is_file() => Ok(()),
        _ => Err(describe_death(status, phase, folder)),
    }
}

fn spawn(folder: &CellFolder, pretraining: &PretrainingFolder, policy: &Policy) -> Result<Child> {
    let program = env::current_exe().map_err(Error::io("this program"))?;
    let log = File::create(folder.log()).map_err(Error::io(folder.log()))?;
    Command::new(&program)
        .arg("worker")
        .arg(folder.path())
        .arg("--pretraining")
        .arg(pretraining.path())
        .arg("--checkpoint-every")
        .arg(policy.checkpoint_every.as_secs_f64().to_string())
        // Every library's thread pool reads this once, when it starts.
        .env("RAYON_NUM_THREADS", policy.threads.to_string())
        // candle keeps a pool of its own beside rayon, whose threads spin while they wait and take the cores from it.
        .env("CANDLE_NUM_THREADS", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .map_err(Error::io(program))
}

fn kill(worker: &mut Child) {
    // It may have ended by itself meanwhile.
    let _ = worker.kill();
    let _ = worker.wait();
}

/// A worker that ended without a word: by what, when, and what it last wrote to its log.
fn describe_death(status: ExitStatus, phase: Phase, folder: &CellFolder) -> String {
    let log = fs::read_to_string(folder.log()).unwrap_or_default();
    let last = log.lines().map(str::trim).rfind(|line| !line.is_empty());
    let last = last.map(|line| format!("; its last words: {line}")).unwrap_or_default();
    format!("the worker died in {} ({}){last}", phase.name(), cause(status))
}

#[cfg(unix)]
pub(crate) fn cause(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        Some(libc::SIGABRT) => "aborted".into(),
        Some(libc::SIGKILL) => "killed, perhaps for want of memory".into(),
        Some(libc::SIGSEGV) => "segmentation fault".into(),
        _ => status.to_string(),
    }
}

#[cfg(not(unix))]
pub(crate) fn cause(status: ExitStatus) -> String {
    status.to_string()
}
