//! Submissions of a run: scripts and lists of commands in a folder for each, and the numbers of the jobs.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    env, fs,
    path::{Path, PathBuf},
};

use physrep_records::files;
use serde::{Deserialize, Serialize};

use super::{
    queue::{Queue, QueuedTask, run},
    script::Script,
    settings::SlurmSettings,
};
use crate::{
    error::{Error, Result},
    launcher::{stage::Stage, task::Task},
};

/// A submission, as its folder says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Submission {
    /// The words with which the run is planned.
    pub words: Vec<String>,
    /// Its jobs.
    pub jobs: Vec<Job>,
}

/// A job: an array of tasks of one stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Its number.
    pub job: u64,
    /// The name of its stage.
    pub stage: String,
    /// Its tasks by their index in the array.
    pub tasks: Vec<String>,
}

/// What is submitted.
pub struct Plan<'a> {
    /// The folder of the run, absolute.
    pub run: &'a Path,
    /// The tasks of the run.
    pub tasks: &'a [Task],
    /// The words with which it is planned.
    pub words: &'a [String],
    /// What Slurm is asked for.
    pub settings: &'a SlurmSettings,
    /// Whether the run is planned where it runs, because it needs a GPU that is not here.
    pub plans_on_gpu: bool,
}

/// Tasks that are to be submitted.
type MissingTasks<'a> = BTreeMap<Stage, Vec<&'a Task>>;

/// The numbers of the jobs of each stage.
type JobsOfStages = BTreeMap<Stage, BTreeSet<u64>>;

/// The folder of the submissions of a run.
fn folder(run: &Path) -> PathBuf {
    run.join("launch")
}

/// Whether tasks of a run have been submitted since the file `status`, that of a supervisor of the run, was written.
pub fn is_launched(run: &Path, status: &Path) -> bool {
    let written = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let last = numbered(run).pop().and_then(|(_, path)| written(&path.join("jobs.json")));
    last.is_some() && last >= written(status)
}

/// Whether the last submission of a run planned it with these words, and the plan was written since.
pub fn is_planned_so(run: &Path, words: &[String]) -> bool {
    let Some((_, folder)) = numbered(run).pop() else { return false };
    let written = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let last: Option<Submission> = files::read_json(&folder.join("jobs.json")).ok();
    let planned = written(&run.join("run.json"));
    last.is_some_and(|last| last.words == words) && planned.is_some() && planned > written(&folder.join("plan.sbatch"))
}

/// The submissions of a run, in their order.
fn submissions(run: &Path) -> Vec<Submission> {
    numbered(run).iter().filter_map(|(_, folder)| files::read_json(&folder.join("jobs.json")).ok()).collect()
}

/// The folders of submissions, by their numbers.
fn numbered(run: &Path) -> Vec<(u32, PathBuf)> {
    let entries = fs::read_dir(folder(run)).into_iter().flatten().flatten();
    let mut found: Vec<_> =
        entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path()))).collect();
    found.sort();
    found
}

/// The tasks of a run that are in the queue, by stage and name, with their job.
pub fn queued(run: &Path, queue: &Queue) -> HashMap<(Stage, String), (u64, QueuedTask)> {
    let mut queued = HashMap::new();
    for job in submissions(run).into_iter().flat_map(|submission| submission.jobs) {
        let Some(stage) = Stage::named(&job.stage) else { continue };
        for (index, name) in job.tasks.into_iter().enumerate() {
            if let Some(task) = queue.task(job.job, index) {
                queued.insert((stage, name), (job.job, task.clone()));
            }
        }
    }
    queued
}

/// The tasks that are neither done nor in the queue, by stage, and the jobs of those that are in the queue.
fn missing<'a>(plan: &Plan<'a>, queue: &Queue) -> (MissingTasks<'a>, JobsOfStages) {
    let queued = queued(plan.run, queue);
    let (mut missing, mut waiting) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, BTreeSet<_>>::new());
    for task in plan.tasks.iter().filter(|task| !task.is_done) {
        // Tables that wait in the queue wait for the cells of then alone.
        let is_outdated = task.stage == Stage::Tables && missing.keys().any(|stage: &Stage| stage.has_cells());
        match queued.get(&(task.stage, task.name.clone())) {
            Some((job, _)) if !is_outdated => {
                waiting.entry(task.stage).or_default().insert(*job);
            }
            _ => missing.entry(task.stage).or_default().push(task),
        }
    }
    (missing, waiting)
}

/// Writes the scripts of what is missing, and submits them; gives the jobs. With `dry_run`, gives the scripts instead, and writes nothing.
///
/// # Errors
///
/// If a file cannot be written, or sbatch fails. Jobs that were submitted before stay, and the next call knows them.
pub fn submit(plan: &Plan<'_>, dry_run: bool) -> Result<(Vec<Job>, String)> {
    let queue = match Queue::now() {
        // Scripts can be looked at anywhere.
        Err(_) if dry_run => Queue::default(),
        queue => queue?,
    };
    let (missing, mut jobs_of) = missing(plan, &queue);
    let number = numbered(plan.run).last().map_or(1, |(number, _)| number + 1);
    let folder = folder(plan.run).join(format!("{number:03}"));
    let here = env::current_dir().map_err(Error::io("the working directory"))?;
    let longest = if dry_run { DEFAULT_ARRAY } else { longest_array() };
    let (mut submitted, mut text) = (Submission { words: plan.words.to_vec(), jobs: Vec::new() }, String::new());
    for (stage, tasks) in &missing {
        for (part, tasks) in tasks.chunks(longest).enumerate() {
            let name = if part == 0 { stage.name().to_owned() } else { format!("{}-{}", stage.name(), part + 1) };
            let script = Script {
                stage: *stage,
                name: &name,
                settings: plan.settings,
                folder: &folder,
                here: &here,
                tasks: tasks.len(),
                at_once: plan.settings.array_parallelism.filter(|_| stage.has_cells()),
                needs_gres: stage.has_cells() || *stage == Stage::Plan && plan.plans_on_gpu,
            };
            let lines: String = tasks.iter().map(|task| task.line() + "\n").collect();
            let (script_file, lines_file) = (folder.join(format!("{name}.sbatch")), folder.join(format!("{name}.txt")));
            // With a limit on what runs at once, one part of a long list follows the other.
            let before = submitted.jobs.last().filter(|_| part > 0 && script.at_once.is_some());
            let dependency = dependency(*stage, &jobs_of, before.map(|job| job.job));
            if dry_run {
                text +=
                    &format!("# {}\n{}\n# {}\n{lines}\n", script_file.display(), script.text(), lines_file.display());
                // Stands for the number that the job would get.
                jobs_of.entry(*stage).or_default().insert(0);
                continue;
            }
            fs::create_dir_all(folder.join("log")).map_err(Error::io(&folder))?;
            files::write(&lines_file, lines.as_bytes())?;
            files::write(&script_file, script.text().as_bytes())?;
            let shown = script_file.display().to_string();
            let mut arguments = vec!["--parsable"];
            if let Some(dependency) = &dependency {
                arguments.extend([dependency.as_str(), "--kill-on-invalid-dep=yes"]);
            }
            arguments.push(&shown);
            let printed = run("sbatch", &arguments)?;
            let job: u64 =
                printed.trim().split(';').next().and_then(|number| number.parse().ok()).ok_or_else(|| {
                    Error::Usage(format!("sbatch printed {:?}; expected the number of a job", printed.trim()))
                })?;
            jobs_of.entry(*stage).or_default().insert(job);
            let tasks = tasks.iter().map(|task| task.name.clone()).collect();
            submitted.jobs.push(Job { job, stage: stage.name().into(), tasks });
            // At once: what is submitted is known, whatever happens next.
            files::write_json(&folder.join("jobs.json"), &submitted)?;
        }
    }
    Ok((submitted.jobs, text))
}

/// The option for what a job of a stage waits for; none if that is nothing.
fn dependency(stage: Stage, jobs_of: &JobsOfStages, before: Option<u64>) -> Option<String> {
    let numbers = |stages: &[Stage]| -> Vec<String> {
        stages.iter().filter_map(|stage| jobs_of.get(stage)).flatten().map(u64::to_string).collect()
    };
    let ended: Vec<String> = numbers(stage.follows()).into_iter().chain(before.map(|job| job.to_string())).collect();
    let conditions = [("afterok", numbers(stage.needs())), ("afterany", ended)];
    let conditions: Vec<String> = conditions
        .into_iter()
        .filter(|(_, jobs)| !jobs.is_empty())
        .map(|(kind, jobs)| format!("{kind}:{}", jobs.join(":")))
        .collect();
    (!conditions.is_empty()).then(|| format!("--dependency={}", conditions.join(",")))
}

/// The longest array of a Slurm that says nothing else.
const DEFAULT_ARRAY: usize = 1000;

/// How many tasks an array may have.
fn longest_array() -> usize {
    let config = run("scontrol", &["show", "config"]).unwrap_or_default();
    let line =
        config.lines().find_map(|line| line.strip_prefix("MaxArraySize")?.split('=').nth(1)?.trim().parse().ok());
    // It is one more than the largest index.
    line.map_or(DEFAULT_ARRAY, |size: usize| size.saturating_sub(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_wait_for_the_success_of_the_plan_and_tables_for_the_end_of_cells() {
        let jobs = [
            (Stage::Data, 1),
            (Stage::Plan, 2),
            (Stage::JointPretraining, 3),
            (Stage::JointCells, 4),
            (Stage::Cells, 5),
        ];
        let jobs_of = jobs.into_iter().map(|(stage, job)| (stage, BTreeSet::from([job]))).collect();
        let of = |stage| dependency(stage, &jobs_of, None);
        assert_eq!(of(Stage::Data), None);
        assert_eq!(of(Stage::Plan).as_deref(), Some("--dependency=afterok:1"));
        assert_eq!(of(Stage::Cells).as_deref(), Some("--dependency=afterok:2"));
        assert_eq!(of(Stage::JointCells).as_deref(), Some("--dependency=afterok:2,afterany:3"));
        assert_eq!(of(Stage::Tables).as_deref(), Some("--dependency=afterok:2,afterany:3:4:5"));
        assert_eq!(dependency(Stage::Cells, &BTreeMap::new(), Some(7)).as_deref(), Some("--dependency=afterany:7"));
    }
}
