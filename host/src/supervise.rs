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
    files, interrupt,
    result::{Failure, SCHEMA},
    status::{CellState, Recorder, RunState},
};

/// How often a supervisor looks up from a worker that says nothing.
const POLL: Duration = Duration::from_millis(100);

/// How long a worker that is to stop may take before it is killed; its last checkpoint remains.
const GRACE: Duration = Duration::from_secs(3);

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
    let titles: Vec<String> = cells.iter().map(Cell::title).collect();
    let recorder = Recorder::start(out, titles.iter().map(String::as_str));
    let mut missing = Vec::new();
    for (cell, title) in cells.iter().zip(&titles) {
        match cell.folder(out).outcome()? {
            Outcome::Done(_) => {
                display.line(&format!("{title}: done before, kept"));
                recorder.state(title, CellState::Done, "");
            }
            Outcome::Failed(_) | Outcome::Missing => missing.push(cell),
        }
    }
    let queue = Mutex::new(groups(&missing, out));
    let take = || queue.lock().unwrap_or_else(|e| e.into_inner()).pop_front().filter(|_| !interrupt::requested());
    let supervisor = Supervisor { out, policy, display, recorder: &recorder };
    let result = thread::scope(|scope| {
        let workers: Vec<_> = (0..policy.jobs.max(1))
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    while let Some(group) = take() {
                        supervisor.run_group(&group)?;
                    }
                    Ok(())
                })
            })
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    recorder.end(if interrupt::requested() { RunState::Interrupted } else { RunState::Finished });
    display.clear_overall();
    result?;
    interrupt::check()
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

/// What it takes to run cells.
struct Supervisor<'a> {
    out: &'a Path,
    policy: &'a Policy,
    display: &'a Display,
    recorder: &'a Recorder,
}

/// What became of a worker.
enum End {
    Done,
    Failed(String),
    Interrupted,
}

impl Supervisor<'_> {
    /// Runs cells that share a pretraining one after the other: the first one pretrains. If that fails, so do the others,
    /// untried.
    fn run_group(&self, cells: &[&Cell]) -> Result<()> {
        for (place, cell) in cells.iter().enumerate() {
            self.tell_overall();
            let (folder, pretraining) = (cell.folder(self.out), cell.pretraining(self.out));
            files::write_json(&folder.spec(), cell)?;
            let clock = Instant::now();
            self.recorder.state(&cell.title(), CellState::Running, "");
            let reason = match self.attempt(cell, &folder, &pretraining) {
                End::Done => {
                    let took = seconds(clock.elapsed().as_secs_f64());
                    self.display.finish(&cell.title(), &format!("done in {took}"));
                    self.recorder.state(&cell.title(), CellState::Done, "");
                    self.tell_overall();
                    continue;
                }
                End::Interrupted => {
                    self.display.clear(&cell.title());
                    return Ok(());
                }
                End::Failed(reason) => reason,
            };
            if cell.joint.is_empty() || pretraining.record().is_file() {
                self.fail(cell, &reason, &folder)?;
                continue;
            }
            let reason = format!("the joint pretraining failed: {reason}");
            return cells[place..].iter().try_for_each(|cell| self.fail(cell, &reason, &folder));
        }
        Ok(())
    }

    /// Shows how many cells are done.
    fn tell_overall(&self) {
        let (done, all) = self.recorder.done();
        self.display.overall(done, all);
    }

    /// Writes down why a cell has no result; the log lies in `attempted`.
    fn fail(&self, cell: &Cell, reason: &str, attempted: &CellFolder) -> Result<()> {
        self.display.finish(&cell.title(), &format!("failed: {reason} (log: {})", attempted.log().display()));
        self.recorder.state(&cell.title(), CellState::Failed, reason);
        let failure = Failure { schema: SCHEMA, identity: cell.identity(), reason: reason.to_owned() };
        files::write_json(&cell.folder(self.out).failure(), &failure)
    }

    /// One worker from start to end.
    fn attempt(&self, cell: &Cell, folder: &CellFolder, pretraining: &PretrainingFolder) -> End {
        let (policy, title) = (self.policy, cell.title());
        let mut worker = match spawn(folder, pretraining, policy) {
            Ok(worker) => worker,
            Err(error) => return End::Failed(error.to_string()),
        };
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
        let mut heard = Instant::now();
        let mut asked = None;
        loop {
            if interrupt::requested() {
                let since = *asked.get_or_insert_with(Instant::now);
                // The end of its input tells the worker to leave a checkpoint and end.
                drop(worker.stdin.take());
                if since.elapsed() > GRACE {
                    kill(&mut worker);
                }
            }
            match events.recv_timeout(POLL) {
                Ok(Event::Progress { phase: now, done, total, note }) => {
                    (phase, heard) = (now, Instant::now());
                    if now != Phase::Start {
                        self.display.progress(&title, now.name(), done, total, &note);
                        self.recorder.progress(&title, now.name(), done, total, &note);
                    }
                }
                Ok(last) => ended = Some(last),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                // The probes are the host's own, and one may fit for long without a word.
                Err(mpsc::RecvTimeoutError::Timeout)
                    if phase == Phase::Probe || heard.elapsed() < policy.stall_timeout => {}
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    kill(&mut worker);
                    let _ = reader.join();
                    return End::Failed(format!(
                        "no progress for {} in {}; killed (--stall-timeout)",
                        seconds(policy.stall_timeout.as_secs_f64()),
                        phase.name()
                    ));
                }
            }
        }
        let _ = reader.join();
        let status = match worker.wait() {
            Ok(status) => status,
            Err(error) => return End::Failed(format!("the worker's end was not seen: {error}")),
        };
        match ended {
            Some(Event::Done) if folder.result().is_file() => End::Done,
            _ if asked.is_some() => End::Interrupted,
            Some(Event::Failed { reason }) => End::Failed(reason),
            _ => End::Failed(describe_death(status, phase, folder)),
        }
    }
}

fn spawn(folder: &CellFolder, pretraining: &PretrainingFolder, policy: &Policy) -> Result<Child> {
    let program = env::current_exe().map_err(Error::io("this program"))?;
    let log = File::create(folder.log()).map_err(Error::io(folder.log()))?;
    let mut command = Command::new(&program);
    // In a process group of its own: Ctrl-C reaches the supervisor alone, which tells its workers.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
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
        .stdin(Stdio::piped())
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
