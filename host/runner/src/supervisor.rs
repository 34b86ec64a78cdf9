//! Runs each cell in a separate process, so that a crash or a hang fails only that cell.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs::File,
    path::{Path, PathBuf},
    process::ExitStatus,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use physrep_records::{Cell, CellFailure, CellFolder, CellOutcome, Initialisation, SCHEMA, files};

use crate::{
    child::{ChildSettings, SupervisedChild, cause, last_line},
    error::{Error, Result},
    events::{CellEvent, Phase, RunEvent},
    interrupt,
    status::{CellState, RunState, StatusFile},
};

/// How cells are run. Nothing here changes a score.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The number of cells that run concurrently.
    pub jobs: usize,
    /// Threads per cell.
    pub threads: usize,
    /// A process without progress for this long is killed; while probing, for [`PROBE_PATIENCE`] times as long.
    pub stall_timeout: Duration,
    /// Time between checkpoints of pretraining.
    pub checkpoint_every: Duration,
}

/// A fit of a probe runs no code of a method and reports no progress, so that probing may be silent for so many stall timeouts.
pub const PROBE_PATIENCE: u32 = 10;

impl Policy {
    /// How long the process of a cell may be silent in a phase.
    fn patience(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Probe => self.stall_timeout.saturating_mul(PROBE_PATIENCE),
            _ => self.stall_timeout,
        }
    }
}

/// Runs the cells of a planned run that have no record, including those that failed before. A failure is written into the folder of
/// its cell and is not an error here.
///
/// # Errors
///
/// If a file of the run cannot be read or written; [`Error::Interrupted`] if this process is to stop.
pub fn run_cells(cells: &[Cell], run: &Path, policy: &Policy, listener: &(dyn Fn(RunEvent<'_>) + Sync)) -> Result<()> {
    files::remove_unfinished(run);
    let titles: Vec<String> = cells.iter().map(Cell::title).collect();
    let status = StatusFile::start(run, titles.iter().map(String::as_str));
    let mut missing = Vec::new();
    for (cell, title) in cells.iter().zip(&titles) {
        let (outcome, damaged) = cell.folder(run).outcome_or_set_aside()?;
        if let Some(aside) = &damaged {
            listener(RunEvent::SetAside { cell, aside });
        }
        match outcome {
            CellOutcome::Done(_) => {
                listener(RunEvent::Kept(cell));
                status.state(title, CellState::Done, None);
            }
            CellOutcome::Failed(_) | CellOutcome::Missing => missing.push(cell),
        }
    }
    let queue = Mutex::new(groups(&breadth_first(&missing), run));
    let next_group = || queue.lock().unwrap_or_else(|e| e.into_inner()).pop_front().filter(|_| !interrupt::requested());
    let supervisor = Supervisor { run, policy, listener, status: &status };
    let result = thread::scope(|scope| {
        let workers: Vec<_> = (0..policy.jobs.max(1))
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    while let Some(group) = next_group() {
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
    let written = status.end(if interrupt::requested() { RunState::Interrupted } else { RunState::Finished });
    listener(RunEvent::End);
    result?;
    interrupt::check()?;
    written
}

/// The order in which cells run, so that every method has a first score early: the first seed of all systems before the second, one
/// system after the other, and in a system what is pretrained before random weights.
fn breadth_first<'a>(cells: &[&'a Cell]) -> Vec<&'a Cell> {
    let mut systems: Vec<&str> = Vec::new();
    for cell in cells {
        if !systems.contains(&cell.system()) {
            systems.push(cell.system());
        }
    }
    let place = |cell: &Cell| {
        let repeat = cell.suite.seeds.iter().position(|&seed| seed == cell.seed);
        let system = systems.iter().position(|&system| system == cell.system());
        let turn = match cell.initialisation() {
            Initialisation::None => 0,
            Initialisation::Pretrained => 1,
            Initialisation::Joint => 2,
            Initialisation::Random => 3,
            Initialisation::Elsewhere => 4,
        };
        (repeat, system, turn)
    };
    let mut ordered = cells.to_vec();
    ordered.sort_by_key(|cell| place(cell));
    ordered
}

/// Groups of cells that share a pretraining, in the order of their first cells.
fn groups<'a>(cells: &[&'a Cell], run: &Path) -> VecDeque<Vec<&'a Cell>> {
    let mut groups: VecDeque<(PathBuf, Vec<&Cell>)> = VecDeque::new();
    for &cell in cells {
        let pretraining = cell.pretraining(run).path().to_owned();
        match groups.iter_mut().find(|(shared, _)| *shared == pretraining) {
            Some((_, group)) => group.push(cell),
            None => groups.push_back((pretraining, vec![cell])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

struct Supervisor<'a> {
    run: &'a Path,
    policy: &'a Policy,
    listener: &'a (dyn Fn(RunEvent<'_>) + Sync),
    status: &'a StatusFile,
}

/// How the process of a cell ended.
enum End {
    Done,
    Failed(String),
    Interrupted,
}

impl Supervisor<'_> {
    /// Runs cells that share a pretraining one after the other; the first one pretrains. If the pretraining fails, all of them fail.
    fn run_group(&self, cells: &[&Cell]) -> Result<()> {
        for (index, cell) in cells.iter().enumerate() {
            self.report_cells();
            let folder = cell.folder(self.run);
            let clock = Instant::now();
            self.status.state(&cell.title(), CellState::Running, None);
            let mut end = self.attempt(cell, &folder);
            // Its process may have ended between writing the record and making sure that it lasts.
            if let (End::Failed(_), Some(record)) = (&end, folder.found_record()) {
                files::sync_name(&record)?;
                end = End::Done;
            }
            let reason = match end {
                End::Done => {
                    (self.listener)(RunEvent::Done(cell, clock.elapsed()));
                    self.status.state(&cell.title(), CellState::Done, None);
                    self.report_cells();
                    continue;
                }
                End::Interrupted => {
                    (self.listener)(RunEvent::Stopped(cell));
                    return Ok(());
                }
                End::Failed(reason) => reason,
            };
            if cell.joint.is_empty() || cell.pretraining(self.run).record().is_file() {
                self.fail(cell, &reason, &folder)?;
                continue;
            }
            let reason = format!("the joint pretraining failed: {reason}");
            return cells[index..].iter().try_for_each(|cell| self.fail(cell, &reason, &folder));
        }
        Ok(())
    }

    fn report_cells(&self) {
        let (done, total) = self.status.done();
        (self.listener)(RunEvent::Cells { done, total });
    }

    /// Writes and reports the failure of a cell; the log of the failed process is in `attempted`.
    fn fail(&self, cell: &Cell, reason: &str, attempted: &CellFolder) -> Result<()> {
        (self.listener)(RunEvent::Failed { cell, reason, log: attempted.log() });
        self.status.state(&cell.title(), CellState::Failed, Some(reason));
        let failure = CellFailure { schema: SCHEMA, identity: cell.identity(), reason: reason.to_owned() };
        Ok(files::write_json(&cell.folder(self.run).failure(), &failure)?)
    }

    /// Runs the process of a cell until it ends.
    fn attempt(&self, cell: &Cell, folder: &CellFolder) -> End {
        let child = match self.spawn(cell, folder) {
            Ok(child) => child,
            Err(error) => return End::Failed(error.to_string()),
        };
        let mut phase = Phase::Start;
        let mut last_event = None;
        let ended = child.watch(self.policy.stall_timeout, |event| {
            match event {
                CellEvent::Progress(progress) => {
                    phase = progress.phase;
                    if phase != Phase::Start {
                        (self.listener)(RunEvent::Progress(cell, progress));
                        self.status.progress(&cell.title(), &progress);
                    }
                }
                last => last_event = Some(last),
            }
            // One fit of a probe reports no progress, and may take long.
            self.policy.patience(phase)
        });
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) => return End::Failed(format!("the exit status of the cell's process cannot be read: {error}")),
        };
        match last_event {
            Some(CellEvent::Done) if folder.found_record().is_some() => End::Done,
            _ if ended.stalled => End::Failed(format!(
                "no progress for {:.0} s in {}; killed (--stall-timeout)",
                self.policy.patience(phase).as_secs_f64(),
                phase.name()
            )),
            // A scheduler may signal the process of a cell, with this one or alone.
            Some(CellEvent::Stopped) => End::Interrupted,
            _ if ended.interrupted => End::Interrupted,
            Some(CellEvent::Failed { reason }) => End::Failed(reason),
            _ => End::Failed(describe_death(ended.status, phase, folder)),
        }
    }

    fn spawn(&self, cell: &Cell, folder: &CellFolder) -> Result<SupervisedChild<CellEvent>> {
        let log = File::create(folder.log()).map_err(Error::io(folder.log()))?;
        let mut arguments: Vec<OsString> = ["cell", "--supervised", "--checkpoint-every"].map(OsString::from).into();
        arguments.push(self.policy.checkpoint_every.as_secs_f64().to_string().into());
        arguments.extend([OsString::from("--run"), self.run.into(), cell.key().into()]);
        SupervisedChild::spawn(ChildSettings {
            arguments,
            threads: Some(self.policy.threads),
            stops_at_end_of_input: true,
            log,
        })
    }
}

/// How a process died without sending a failure: in which phase, how, and the last line of its log.
fn describe_death(status: ExitStatus, phase: Phase, folder: &CellFolder) -> String {
    let last = File::open(folder.log()).map(|mut log| last_line(&mut log)).unwrap_or_default();
    format!("its process died in {} ({}){last}", phase.name(), cause(status))
}
