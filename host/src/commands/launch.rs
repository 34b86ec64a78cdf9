//! `physrep-bench all --launcher slurm`: submits what is missing, and may wait for it.

use std::{collections::BTreeSet, path::Path, process::ExitCode, thread, time::Duration};

use physrep_records::RunManifest;
use physrep_runner::{CellState, RunStatus, forget_attempts, interrupt};

use super::{finish::show_results, run_arguments::RunArguments};
use crate::{
    display::Display,
    error::{Error, Result},
    launcher::{
        slurm::{self, Queue, SlurmArguments},
        task_list,
    },
    output::{self, note, say},
};

/// How often `--wait` looks.
const POLL: Duration = Duration::from_secs(5);

/// Submits the tasks of a run that are neither done nor in the queue; `options` are those of the commands of cells.
pub(super) fn launch(run: &RunArguments, options: &[String], arguments: &SlurmArguments) -> Result<ExitCode> {
    let settings = arguments.settings()?;
    let outlined = run.outline(&Display::default())?;
    let folder = std::path::absolute(&outlined.folders.run).map_err(Error::io(&outlined.folders.run))?;
    let trusts_manifest = slurm::is_planned_so(&folder, &outlined.words);
    let options = [options, &["--requeue".to_owned()]].concat();
    let tasks = task_list(&outlined, &options, trusts_manifest)?;
    let plan = slurm::Plan {
        run: &folder,
        tasks: &tasks,
        words: &outlined.words,
        settings: &settings,
        plans_on_gpu: run.device.names_a_gpu(),
    };
    let (jobs, scripts) = slurm::submit(&plan, arguments.dry_run)?;
    for error in &outlined.plan.left_out {
        note!("left out: {error}");
    }
    if arguments.dry_run {
        output::write(&scripts);
        return Ok(ExitCode::SUCCESS);
    }
    let submitted: BTreeSet<&String> = jobs.iter().flat_map(|job| &job.tasks).collect();
    for cell in
        RunManifest::read_or_new(&folder)?.cells.iter().filter(|cell| submitted.contains(&cell.identity.label()))
    {
        forget_attempts(&cell.folder(&folder));
    }
    for job in &jobs {
        say!("job {}: {}, {} task{}", job.job, job.stage, job.tasks.len(), if job.tasks.len() == 1 { "" } else { "s" });
    }
    match jobs.is_empty() {
        true => say!("nothing to submit: all tasks are done or in the queue"),
        false => say!("scripts and logs: {}", folder.join("launch").display()),
    }
    say!("progress: physrep-bench status {}", outlined.folders.run.display());
    if arguments.wait { wait(&folder) } else { Ok(ExitCode::SUCCESS) }
}

/// Follows the jobs of a run until none is in the queue, then prints the tables.
fn wait(run: &Path) -> Result<ExitCode> {
    let mut told = String::new();
    loop {
        interrupt::check()?;
        let waiting = slurm::queued(run, &Queue::now()?);
        let cells = RunStatus::of_files(run).map(|status| status.cells).unwrap_or_default();
        let count = |state| cells.iter().filter(|cell| cell.state == state).count();
        let running = waiting.values().filter(|(_, task)| task.state == "RUNNING").count();
        let line = format!(
            "{} of {} cells done, {} failed; {running} of {} tasks in the queue are running",
            count(CellState::Done),
            cells.len(),
            count(CellState::Failed),
            waiting.len()
        );
        if line != told {
            note!("{line}");
            told = line;
        }
        if waiting.is_empty() {
            break;
        }
        thread::sleep(POLL);
    }
    let results = show_results(run)?;
    Ok(if results.incomplete() == 0 { ExitCode::SUCCESS } else { ExitCode::from(3) })
}
