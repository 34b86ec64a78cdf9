//! The tasks of a run.

use std::{collections::BTreeSet, env, fs, path::Path, time::SystemTime};

use physrep_records::RunManifest;

use super::{estimate::Estimate, outlined_run::OutlinedRun, stage::Stage, task::Task};
use crate::error::{Error, Result};

/// The tasks of a run, in an order in which one after the other can run. `options` are further words of the commands of cells;
/// `trusts_manifest` says that a manifest in the run's folder is that of this plan, also if the plan is not final.
///
/// # Errors
///
/// If this program has no path.
pub fn task_list(outlined: &OutlinedRun, options: &[String], trusts_manifest: bool) -> Result<Vec<Task>> {
    let program = env::current_exe().map_err(Error::io("this program"))?.display().to_string();
    let command = |words: &[&str], more: &[String]| -> Vec<String> {
        [program.as_str()].iter().chain(words).map(|word| (*word).to_owned()).chain(more.iter().cloned()).collect()
    };
    let run = std::path::absolute(&outlined.folders.run).map_err(Error::io(&outlined.folders.run))?;
    let shown = run.display().to_string();
    let mut tasks = Vec::new();

    let data = std::path::absolute(&outlined.folders.data.files).map_err(Error::io("the folder of the data"))?;
    let data = data.display().to_string();
    let mut systems: Vec<&str> = Vec::new();
    for cell in &outlined.plan.cells {
        if !systems.contains(&cell.system()) {
            systems.push(cell.system());
        }
    }
    for system in systems {
        let mut commands = Vec::new();
        if is_generated(outlined, system) {
            let words = ["data", "generate", system, "--out", &data];
            commands.push(command(&words, &outlined.suite_words));
        }
        let cache = outlined.cache.iter().flat_map(|cache| ["--cache".to_owned(), cache.display().to_string()]);
        let more: Vec<String> = outlined.suite_words.iter().cloned().chain(cache).collect();
        commands.push(command(&["data", "pack", system, "--data", &data], &more));
        let is_done = !outlined.plan.unprepared.iter().any(|unprepared| unprepared == system);
        tasks.push(Task { stage: Stage::Data, name: system.to_owned(), commands, is_done, seconds: None, windows: 0 });
    }

    let is_planned = outlined.is_final || trusts_manifest;
    let commands = vec![command(&["plan"], &outlined.words)];
    tasks.push(Task {
        stage: Stage::Plan,
        name: "plan".into(),
        commands,
        is_done: is_planned,
        seconds: None,
        windows: 0,
    });

    let done = if is_planned { done(&run) } else { Done::default() };
    let estimate = Estimate::of(&run);
    let mut pretrained = BTreeSet::new();
    let mut cells = Vec::new();
    for cell in &outlined.plan.cells {
        let identity = cell.identity();
        let name = identity.label();
        let stage = match cell.joint.is_empty() {
            true => Stage::Cells,
            false if pretrained.insert(cell.pretraining(&run).path().to_owned()) => Stage::JointPretraining,
            false => Stage::JointCells,
        };
        let more: Vec<String> = ["--run".to_owned(), shown.clone()].iter().chain(options).cloned().collect();
        let commands = vec![command(&["cell", &name], &more)];
        let is_done = done.cells.contains(&name);
        // The others find what the first has pretrained.
        let pretrains = cell.initialisation().is_pretrained() && stage != Stage::JointCells;
        let windows = if pretrains { cell.suite.pretrain.samples * cell.sources().len() as u64 } else { 0 };
        cells.push(Task { stage, name, commands, is_done, seconds: estimate.seconds(&identity), windows });
    }
    cells.sort_by_key(|task| task.stage);
    let cells_are_done = cells.iter().all(|task| task.is_done);
    tasks.extend(cells);

    let table = |form: &str, file: &str| {
        let file = run.join(file).display().to_string();
        command(&["table", &shown, "--format", form, "--out", &file], &[])
    };
    let commands = vec![
        table("markdown", "table.md"),
        table("latex", "table.tex"),
        table("csv", "scores.csv"),
        command(&["report", &shown], &[]),
    ];
    let is_done =
        cells_are_done && done.newest.is_some_and(|newest| written(&run.join("report/report.html")) >= Some(newest));
    tasks.push(Task { stage: Stage::Tables, name: "tables".into(), commands, is_done, seconds: None, windows: 0 });
    Ok(tasks)
}

fn is_generated(outlined: &OutlinedRun, system: &str) -> bool {
    let suite = &outlined.folders.suite;
    suite.systems.iter().any(|section| section.name == system && section.generate.is_some())
}

/// The cells of a run that have their records.
#[derive(Default)]
struct Done {
    /// Their labels.
    cells: BTreeSet<String>,
    /// When the newest record was written.
    newest: Option<SystemTime>,
}

fn done(run: &Path) -> Done {
    let mut done = Done::default();
    for cell in RunManifest::read_or_new(run).map(|manifest| manifest.cells).unwrap_or_default() {
        if let Some(record) = cell.folder(run).found_record() {
            done.newest = done.newest.max(written(&record));
            done.cells.insert(cell.identity.label());
        }
    }
    done
}

fn written(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|file| file.modified()).ok()
}
