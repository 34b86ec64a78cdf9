//! Runs each cell in a separate process, so that a crash or a hang fails only that cell.

use std::{
    collections::{HashMap, VecDeque},
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
    time::Instant,
};

use physrep_records::{Cell, CellFailure, CellFolder, CellOutcome, Initialisation, SCHEMA, files};

use crate::{
    cell_process::{CellEnd, run_cell_process},
    error::Result,
    events::RunEvent,
    gpu_check::gpu_fault,
    interrupt,
    policy::Policy,
    status::{CellState, RunState, StatusFile},
};

/// Runs the cells of a planned run that have no record, including those that failed before. A failure is written into the folder of
/// its cell and is not an error here.
///
/// # Errors
///
/// If a file of the run cannot be read or written; [`Error::Interrupted`](crate::Error::Interrupted) if this process is to stop.
pub fn run_cells(cells: &[Cell], run: &Path, policy: &Policy, listener: &(dyn Fn(RunEvent<'_>) + Sync)) -> Result<()> {
    files::remove_unfinished(run);
    let titles: Vec<String> = cells.iter().map(Cell::title).collect();
    let status = StatusFile::start(run, titles.iter().map(String::as_str));
    let (mut missing, mut done) = (Vec::new(), Vec::new());
    for (cell, title) in cells.iter().zip(&titles) {
        let (outcome, damaged) = cell.folder(run).outcome_or_set_aside()?;
        if let Some(aside) = &damaged {
            listener(RunEvent::SetAside { cell, aside });
        }
        match outcome {
            CellOutcome::Done(_) => {
                listener(RunEvent::Kept(cell));
                done.push(title.as_str());
            }
            CellOutcome::Failed(_) | CellOutcome::Missing => missing.push(cell),
        }
    }
    status.were_done(&done);
    let queue = Mutex::new(groups(&breadth_first(&missing), run));
    let next_group = || queue.lock().unwrap_or_else(|e| e.into_inner()).pop_front().filter(|_| !interrupt::requested());
    let supervisor = Supervisor { run, policy, listener, status: &status };
    let result = thread::scope(|scope| {
        let (supervisor, next_group) = (&supervisor, &next_group);
        let workers: Vec<_> = (0..policy.jobs.max(1))
            .map(|worker| {
                let gpu = policy.gpu(worker);
                scope.spawn(move || -> Result<()> {
                    while let Some(group) = next_group() {
                        if !supervisor.run_group(&group, gpu)? {
                            break;
                        }
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
    let (mut groups, mut places) = (VecDeque::<Vec<&Cell>>::new(), HashMap::<PathBuf, usize>::new());
    for &cell in cells {
        let place = *places.entry(cell.pretraining(run).path().to_owned()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(cell),
            None => groups.push_back(vec![cell]),
        }
    }
    groups
}

struct Supervisor<'a> {
    run: &'a Path,
    policy: &'a Policy,
    listener: &'a (dyn Fn(RunEvent<'_>) + Sync),
    status: &'a StatusFile,
}

impl Supervisor<'_> {
    /// Runs cells that share a pretraining one after the other; the first one pretrains. If the pretraining fails, all of them fail.
    /// Gives whether the GPU, if there is one, is fit for more.
    fn run_group(&self, cells: &[&Cell], gpu: Option<&str>) -> Result<bool> {
        for (index, cell) in cells.iter().enumerate() {
            self.report_cells();
            let folder = cell.folder(self.run);
            let clock = Instant::now();
            self.status.state(&cell.title(), CellState::Running, None);
            let end = run_cell_process(self.run, cell, self.policy, gpu, &|progress| {
                (self.listener)(RunEvent::Progress(cell, progress));
                self.status.progress(&cell.title(), &progress);
            })?;
            let reason = match end {
                CellEnd::Done => {
                    (self.listener)(RunEvent::Done(cell, clock.elapsed()));
                    self.status.state(&cell.title(), CellState::Done, None);
                    self.report_cells();
                    continue;
                }
                CellEnd::Interrupted => {
                    (self.listener)(RunEvent::Stopped(cell));
                    return Ok(true);
                }
                CellEnd::Failed(reason) | CellEnd::Died(reason) => reason,
            };
            if cell.joint.is_empty() || cell.pretraining(self.run).record().is_file() {
                self.fail(cell, &reason, &folder)?;
                if self.is_broken(gpu) {
                    return Ok(false);
                }
                continue;
            }
            let reason = format!("the joint pretraining failed: {reason}");
            cells[index..].iter().try_for_each(|cell| self.fail(cell, &reason, &folder))?;
            return Ok(!self.is_broken(gpu));
        }
        Ok(true)
    }

    /// Whether a GPU on which a cell has failed is to blame; then no other cell shall fail on it.
    fn is_broken(&self, gpu: Option<&str>) -> bool {
        let Some(gpu) = gpu else { return false };
        let fault = gpu_fault(gpu);
        if let Some(reason) = &fault {
            (self.listener)(RunEvent::GpuBroken { gpu, reason });
        }
        fault.is_some()
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
}
