//! `physrep-bench tune`: random trials of a method's configuration, scored on valid.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use physrep_records::{Lock, TrialOutcome, TrialRecord, TuningRecord, files};
use physrep_runner::{
    MissingData, PlanEvent, PlanSettings, TRIALS, Tuning, TuningPlan, TuningSettings, describe, interrupt, suite_lines,
    tuning_outcome,
};

use super::run_arguments::show;
use crate::{
    arguments::{DeviceArgument, Folders, Patience, Plugins, ProbesArgument, SuiteFolders, Workers},
    display::Display,
    error::Result,
    output::{note, say},
};

/// What to tune, and how.
#[derive(Debug, Args)]
pub struct Tune {
    /// The method, or a variant of the suite.
    method: String,
    #[command(flatten)]
    folders: Folders,
    #[command(flatten)]
    plugins: Plugins,
    /// Only these systems, separated by commas [default: all of the suite].
    #[arg(long, value_delimiter = ',')]
    systems: Vec<String>,
    /// The file of the ranges [default: tuning.toml in the method's crate].
    #[arg(long, value_name = "FILE")]
    ranges: Option<PathBuf>,
    /// Random trials; the default is the budget that is the same for all methods.
    #[arg(long, default_value_t = TRIALS)]
    trials: u64,
    /// The seed of the draws.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print the values that would be drawn, and run nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    device: DeviceArgument,
    #[command(flatten)]
    probes: ProbesArgument,
    #[command(flatten)]
    workers: Workers,
    #[command(flatten)]
    patience: Patience,
}

impl Tune {
    /// Runs the trials that are not over, writes their record, and prints it. The exit code is 3 if every trial failed.
    pub fn run(self) -> Result<ExitCode> {
        interrupt::install_signal_handlers()?;
        let SuiteFolders { suite, data, run } = self.folders.load()?;
        let display = Display::default();
        let (device, note, gpus) = self.device.resolve_for_cells()?;
        let policy = self.patience.policy(self.workers, device, gpus)?;
        display.line(&note.unwrap_or_else(|| format!("device: {}", describe(device))));
        display.processor(device);
        let probes = self.probes.placement();
        let settings = TuningSettings {
            method: self.method.clone(),
            plugins: self.plugins.paths()?,
            ranges: self.ranges,
            trials: self.trials,
            seed: self.seed,
        };
        let tuning = Tuning::of(&suite, &settings, device, &|event| show(&display, &PlanEvent::Selection(event)))?;
        if self.dry_run {
            say!("{}", drawn_table(&tuning.drawn()));
            return Ok(ExitCode::SUCCESS);
        }
        let folder = run.join("tune").join(&self.method);
        let _lock =
            Lock::take(&folder, "this method is being tuned in this folder; wait for it, or choose another --out")?;
        let (threads, missing_data) = (policy.jobs * policy.threads, MissingData::Prepare);
        let settings = PlanSettings { data, device, probes, threads, checks: None, missing_data };
        let plan = TuningPlan::of(&tuning, self.systems, &settings, &|event| show(&display, &event))?;
        plan.run(&folder, &policy, &|event| display.run_event(&event))?;
        let record = tuning_outcome(&plan, &folder)?;
        let path = folder.with_file_name(format!("{}.json", self.method));
        files::write_json(&path, &record)?;
        print(&record, &path)
    }
}

/// Prints the trials, best first, and what to put into the suite.
fn print(record: &TuningRecord, path: &Path) -> Result<ExitCode> {
    say!("{}", trials_table(record));
    say!("mse: {}", record.objective);
    for trial in &record.trials {
        for (system, outcome) in &trial.systems {
            if let TrialOutcome::Failed(reason) = outcome {
                say!("trial {} failed on {system}: {reason}", trial.trial);
            }
        }
    }
    say!("written: {}", path.display());
    if record.trials.len() as u64 != TRIALS {
        say!("{} trials are not the budget of {TRIALS} that is the same for all methods", record.trials.len());
    }
    let suite = record.systems.first().map(|on| format!("{}-v{}", on.suite.name, on.suite.version));
    let committed = format!("results/tuning/{}/{}.json", suite.unwrap_or_default(), record.method);
    let Some(lines) = suite_lines(record, &committed)? else {
        note!("every trial failed; nothing is chosen");
        return Ok(ExitCode::from(3));
    };
    say!("put the record at {committed}, and this into the suite:\n\n{lines}");
    Ok(ExitCode::SUCCESS)
}

/// One line per trial, the lowest score first, failed ones last.
fn trials_table(record: &TuningRecord) -> Table {
    let mut trials: Vec<&TrialRecord> = record.trials.iter().collect();
    let rank = |trial: &TrialRecord| trial.score.unwrap_or(f64::INFINITY);
    trials.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
    let systems: Vec<&str> = record.systems.iter().map(|on| on.system.as_str()).collect();
    let keys = record.trials.first().map(|trial| &trial.drawn);
    let head = ["trial", "mse on valid"].into_iter().chain(systems.iter().copied());
    let mut table = empty_table();
    table.set_header(head.chain(keys.into_iter().flat_map(BTreeMap::keys).map(String::as_str)).chain(["seconds"]));
    for trial in trials {
        let score = |score: Option<f64>| score.map_or("failed".into(), |score| format!("{score:.4}"));
        let on = |system: &&str| match trial.systems.get(*system) {
            Some(TrialOutcome::Score(mse)) => score(Some(*mse)),
            _ => score(None),
        };
        let mut row = vec![trial.trial.to_string(), score(trial.score)];
        row.extend(systems.iter().map(on));
        row.extend(trial.drawn.values().map(ToString::to_string));
        row.push(format!("{:.0}", trial.seconds));
        table.add_row(row);
    }
    table
}

/// The values of every trial.
fn drawn_table(trials: &[BTreeMap<String, serde_json::Value>]) -> Table {
    let mut table = empty_table();
    let keys = trials.iter().take(1).flat_map(BTreeMap::keys).map(String::as_str);
    table.set_header(["trial"].into_iter().chain(keys));
    for (number, drawn) in trials.iter().enumerate() {
        table.add_row([number.to_string()].into_iter().chain(drawn.values().map(ToString::to_string)));
    }
    table
}

fn empty_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table
}
