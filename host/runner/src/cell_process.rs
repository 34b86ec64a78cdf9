//! The process of a cell, from its start to its end, with the reason if that is no good one.

use std::{ffi::OsString, fs::File, path::Path, process::ExitStatus};

use physrep_records::{Cell, CellFolder, files};

use crate::{
    child::{ChildSettings, SupervisedChild, cause, last_line},
    error::{Error, Result},
    events::{CellEvent, Phase, PhaseProgress},
    policy::Policy,
};

/// How the process of a cell ended.
pub(crate) enum CellEnd {
    /// With a record.
    Done,
    /// With a reason that it gave itself: another attempt would give the same.
    Failed(String),
    /// It was killed, it crashed or it hung: another attempt may end otherwise.
    Died(String),
    /// It was asked to stop.
    Interrupted,
}

/// Runs a cell of the run in folder `run` in a process of its own, which sees the GPU `gpu` alone if there is one. `listener` hears of its
/// progress.
///
/// # Errors
///
/// If the name of a record cannot be made to last.
pub(crate) fn run_cell_process(
    run: &Path,
    cell: &Cell,
    policy: &Policy,
    gpu: Option<&str>,
    listener: &dyn Fn(PhaseProgress),
) -> Result<CellEnd> {
    let folder = cell.folder(run);
    let child = spawn(run, cell, &folder, policy, gpu);
    let end = watch(child, &folder, policy, listener);
    // Its process may have ended between writing the record and making sure that it lasts.
    if let (CellEnd::Failed(_) | CellEnd::Died(_), Some(record)) = (&end, folder.found_record()) {
        files::sync_name(&record)?;
        return Ok(CellEnd::Done);
    }
    Ok(end)
}

fn watch(
    child: Result<SupervisedChild<CellEvent>>,
    folder: &CellFolder,
    policy: &Policy,
    listener: &dyn Fn(PhaseProgress),
) -> CellEnd {
    let child = match child {
        Ok(child) => child,
        Err(error) => return CellEnd::Failed(error.to_string()),
    };
    let mut phase = Phase::Start;
    let mut last_event = None;
    let ended = child.watch(policy.stall_timeout, |event| {
        match event {
            CellEvent::Progress(progress) => {
                phase = progress.phase;
                if phase != Phase::Start {
                    listener(progress);
                }
            }
            last => last_event = Some(last),
        }
        // One fit of a probe reports no progress, and may take long.
        policy.patience(phase)
    });
    let ended = match ended {
        Ok(ended) => ended,
        Err(error) => return CellEnd::Died(format!("the exit status of the cell's process cannot be read: {error}")),
    };
    match last_event {
        Some(CellEvent::Done) if folder.found_record().is_some() => CellEnd::Done,
        _ if ended.stalled => CellEnd::Died(format!(
            "no progress for {:.0} s in {}; killed (--stall-timeout)",
            policy.patience(phase).as_secs_f64(),
            phase.name()
        )),
        // A scheduler may signal the process of a cell, with this one or alone.
        Some(CellEvent::Stopped) => CellEnd::Interrupted,
        _ if ended.interrupted => CellEnd::Interrupted,
        Some(CellEvent::Failed { reason, died: true }) => CellEnd::Died(reason),
        Some(CellEvent::Failed { reason, died: false }) => CellEnd::Failed(reason),
        _ => CellEnd::Died(describe_death(ended.status, phase, folder)),
    }
}

fn spawn(
    run: &Path,
    cell: &Cell,
    folder: &CellFolder,
    policy: &Policy,
    gpu: Option<&str>,
) -> Result<SupervisedChild<CellEvent>> {
    let log = File::create(folder.log()).map_err(Error::io(folder.log()))?;
    let mut arguments: Vec<OsString> = ["cell", "--supervised", "--checkpoint-every"].map(OsString::from).into();
    arguments.push(policy.checkpoint_every.as_secs_f64().to_string().into());
    arguments.extend([OsString::from("--run"), run.into(), cell.key().into()]);
    SupervisedChild::spawn(ChildSettings {
        arguments,
        threads: Some(policy.threads),
        stops_at_end_of_input: true,
        gpu: gpu.map(str::to_owned),
        log,
    })
}

/// How a process died without sending a failure: in which phase, how, and the last line of its log.
fn describe_death(status: ExitStatus, phase: Phase, folder: &CellFolder) -> String {
    let last = File::open(folder.log()).map(|mut log| last_line(&mut log)).unwrap_or_default();
    format!("its process died in {} ({}){last}", phase.name(), cause(status))
}
