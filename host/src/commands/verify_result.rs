//! `physrep-bench verify-result`: runs a cell again and compares its scores with its record.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Args;
use physrep_benchmarks::suite::Suite;
use physrep_records::CellRecord;
use physrep_runner::{Policy, RerunSettings, cores, interrupt, rerun_cell};
use serde::Serialize;

use crate::{
    arguments::{DeviceArgument, Plugins, ProbesArgument, folder_name, worker_count},
    display::Display,
    error::Result,
    output::say,
    places,
};

/// What to verify.
#[derive(Debug, Args)]
pub struct VerifyResult {
    /// The record of a cell, result.json.
    file: PathBuf,
    #[command(flatten)]
    settings: Settings,
}

/// How a cell is run again.
#[derive(Debug, Args)]
pub struct Settings {
    /// The folder of the data, which is generated if it is missing [default: data/SUITE in the checkout, or in the folder of the user].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    plugins: Plugins,
    #[command(flatten)]
    device: DeviceArgument,
    #[command(flatten)]
    probes: ProbesArgument,
    /// The largest difference of a mean squared error that counts as equal [default: 0 for the same plugin, data and processor, else
    /// 0.05].
    #[arg(long)]
    tolerance: Option<f64>,
    /// Threads [default: all cores].
    #[arg(long, value_parser = worker_count)]
    threads: Option<usize>,
}

/// The default tolerance if the machine or a build differs: rounding then differs, and training amplifies it.
const TOLERANCE: f64 = 0.05;

/// How the scores of a cell that was run again differ from its record.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// Whether no error differs by more than the tolerance.
    pub agrees: bool,
    /// The largest difference of a mean squared error.
    largest_difference: f64,
    tolerance: f64,
    /// What else differs, such as the processor.
    differs: Vec<String>,
}

impl VerifyResult {
    /// Runs the cell again and prints how its scores differ. The exit code is 1 if they do.
    pub fn run(self) -> Result<ExitCode> {
        Ok(if self.settings.verify(&self.file)?.agrees { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Settings {
    /// Runs the cell of the record at `file` again, and prints how its scores differ.
    ///
    /// # Errors
    ///
    /// If the record cannot be read, or the cell cannot be run or fails.
    pub fn verify(&self, file: &Path) -> Result<Verdict> {
        interrupt::install_signal_handlers()?;
        let display = Display::default();
        let default = places::data("")?;
        let data = |suite: &Suite| self.data.clone().unwrap_or_else(|| default.join(folder_name(suite)));
        let settings = RerunSettings {
            data: &data,
            probes: self.probes.placement(),
            plugins: self.plugins.paths()?,
            device: self.device.resolve()?.0,
            policy: Policy {
                jobs: 1,
                threads: self.threads.unwrap_or_else(cores).max(1),
                stall_timeout: Duration::from_secs(600),
                checkpoint_every: Duration::from_secs(600),
                gpus: Vec::new(),
            },
        };
        let on_data = |progress: physrep_runner::DataProgress<'_>| display.data_progress(progress.task, &progress);
        let [record, again] = rerun_cell(file, &settings, &on_data, &|event| display.run_event(&event))?;
        Ok(compare(&record, &again, self.tolerance))
    }
}

/// Prints what differs.
fn compare(record: &CellRecord, again: &CellRecord, tolerance: Option<f64>) -> Verdict {
    let plugin = |result: &CellRecord| result.encoder.as_ref().map(|encoder| encoder.plugin_checksum.clone());
    let (before, now) = (&record.environment, &again.environment);
    let mut differs = Vec::new();
    let mut note = |what: &str, before: &str, now: &str| {
        if before != now {
            differs.push(format!("{what}: {before} then, {now} now"));
        }
    };
    note("plugin", &plugin(record).unwrap_or_default(), &plugin(again).unwrap_or_default());
    let library = |result: &CellRecord| result.probe_library.clone().unwrap_or("none".into());
    note("probe library", &library(record), &library(again));
    note("data", &before.data_checksum, &now.data_checksum);
    note("processor", &before.cpu, &now.cpu);
    note("device", &before.device, &now.device);
    let tolerance = tolerance.unwrap_or(if differs.is_empty() { 0.0 } else { TOLERANCE });
    differs.iter().for_each(|line| say!("{line}"));

    let mut worst: f64 = 0.0;
    for score in &record.scores {
        let place = score.regime.map_or(score.split.to_string(), |regime| format!("{} ({regime})", score.split));
        let Some(other) = again.counterpart(score) else {
            say!("{} of {} labels on {place}: not scored this time", score.probe, score.label_fraction);
            worst = f64::INFINITY;
            continue;
        };
        let difference = (score.mean.mse - other.mean.mse).abs();
        if difference > tolerance || difference.is_nan() {
            say!(
                "{} {} on {place} with {} of the labels: MSE {} then, {} now",
                score.track,
                score.probe,
                score.label_fraction,
                score.mean.mse,
                other.mean.mse
            );
        }
        worst = if difference.is_nan() { f64::INFINITY } else { worst.max(difference) };
    }
    let agrees = worst <= tolerance;
    let verdict = if agrees { "verified" } else { "NOT verified" };
    say!(
        "{verdict}: {} scores of {} on {}, seed {}; the largest difference of an MSE is {worst:.3e}, the tolerance {tolerance}",
        record.scores.len(),
        record.identity.method,
        record.identity.system,
        record.identity.seed
    );
    Verdict { agrees, largest_difference: worst, tolerance, differs }
}
