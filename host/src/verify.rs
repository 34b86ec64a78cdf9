//! `physrep-bench verify-result`: runs a cell again and holds its scores to a record.

use std::path::PathBuf;

use clap::Args;
use physrep_benchmarks::suite::Suite;

use crate::{
    Error, Result, all,
    cell::{Cell, Encoder},
    crates,
    device::Choice,
    display::Display,
    plugin::Plugin,
    result::CellResult,
    supervise::{self, Policy},
};

/// What to verify.
#[derive(Clone, Debug, Args)]
pub struct Verify {
    /// The record of a cell, result.json.
    file: PathBuf,
    /// Where the data lies or is to be generated [default: data/SUITE].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Plugin crates, folders of crates, or libraries [default: the checkout's plugins folder].
    #[arg(long, value_name = "PATH")]
    plugins: Vec<PathBuf>,
    /// Where the method computes; auto is the first NVIDIA card if there is one, else the CPU.
    #[arg(long, default_value = "auto", value_name = "auto|cpu|cuda:N")]
    device: Choice,
    /// The largest difference of a mean squared error that counts as none [default: 0 for the same plugin, data and processor, else
    /// 0.05].
    #[arg(long)]
    tolerance: Option<f64>,
}

/// The tolerance where the machine or a build differs: rounding then differs, and training carries it on.
const ELSEWHERE: f64 = 0.05;

/// Runs the cell again and prints how its scores differ. Whether they agree comes back.
pub fn run(verify: &Verify, policy: Policy) -> Result<bool> {
    let display = Display::default();
    let record = CellResult::read(&verify.file)?;
    let wrong = |reason: String| Error::File { path: verify.file.clone(), reason };
    let suite: Suite = serde_json::from_value(record.recipe.suite.clone())
        .map_err(|e| wrong(format!("its `recipe.suite` is no suite of this program: {e}")))?;
    let (device, _) = verify.device.resolve()?;
    let identity = &record.identity;
    let encoder = match &record.recipe.plugin {
        Some(method) => {
            let plugin = find(&verify.plugins, method, device)?;
            Encoder::Plugin {
                name: identity.method.clone(),
                library: plugin.path().to_owned(),
                checksum: plugin.checksum().to_owned(),
                config: record.recipe.config.clone(),
                initialisation: identity.initialisation,
            }
        }
        None if identity.method == Encoder::Features.method() => Encoder::Features,
        None if identity.method == Encoder::Mean.method() => Encoder::Mean,
        None => return Err(wrong(format!("its method `{}` is no floor, but it names no plugin", identity.method))),
    };
    let joint = identity.initialisation == crate::cell::Initialisation::Joint;
    let names: Vec<String> = suite.systems.iter().map(|system| system.name.clone()).collect();
    let wanted = |name: &&String| joint || **name == identity.system;
    let data = verify.data.clone().unwrap_or_else(|| PathBuf::from("data").join(&suite.name));
    let sources = names
        .iter()
        .filter(wanted)
        .map(|system| all::prepare(&suite, system, &data, policy.threads, &display))
        .collect::<Result<Vec<_>>>()?;
    let own = sources.iter().find(|source| source.system == identity.system);
    let own = own.ok_or_else(|| wrong(format!("its suite has no system `{}`", identity.system)))?.clone();
    let joint = if joint { sources } else { Vec::new() };
    let cell = Cell { suite, data: own, joint, encoder, seed: identity.seed, device };

    let folder = tempfile::tempdir().map_err(Error::io("a temporary folder"))?;
    supervise::run(std::slice::from_ref(&cell), folder.path(), &policy, &display)?;
    let outcome = cell.folder(folder.path()).outcome()?;
    let again = outcome.result().ok_or_else(|| wrong(format!("the cell failed this time: {outcome:?}")))?;
    report(&record, again, verify.tolerance)
}

/// The plugin that implements `method`.
fn find(plugins: &[PathBuf], method: &str, device: crate::device::Device) -> Result<Plugin> {
    for source in crates::sources(plugins)? {
        if let Ok(plugin) = source.library(device).and_then(|library| Plugin::open(&library))
            && plugin.name() == method
        {
            return Ok(plugin);
        }
    }
    Err(Error::Usage(format!("no plugin implements `{method}`; say with --plugins where its crate or library is")))
}

/// Prints what differs. Whether the scores agree comes back.
fn report(record: &CellResult, again: &CellResult, tolerance: Option<f64>) -> Result<bool> {
    let plugin = |result: &CellResult| result.encoder.as_ref().map(|encoder| encoder.plugin_checksum.clone());
    let (before, now) = (&record.environment, &again.environment);
    let mut differs = Vec::new();
    let mut note = |what: &str, before: &str, now: &str| {
        if before != now {
            differs.push(format!("{what}: {before} then, {now} now"));
        }
    };
    note("plugin", &plugin(record).unwrap_or_default(), &plugin(again).unwrap_or_default());
    note("data", &before.data_checksum, &now.data_checksum);
    note("processor", &before.cpu, &now.cpu);
    note("device", &before.device, &now.device);
    let tolerance = tolerance.unwrap_or(if differs.is_empty() { 0.0 } else { ELSEWHERE });
    differs.iter().for_each(|line| println!("{line}"));

    let mut worst: f64 = 0.0;
    for reading in &record.readings {
        let other = again.reading(reading.track, &reading.probe, reading.label_fraction, reading.split);
        let Some(other) = other else {
            println!("{} of {} labels on {}: not read this time", reading.probe, reading.label_fraction, reading.split);
            return Ok(false);
        };
        let difference = (reading.mean.mse - other.mean.mse).abs();
        if difference > tolerance || difference.is_nan() {
            println!(
                "{} {} on {} with {} of the labels: MSE {} then, {} now",
                reading.track, reading.probe, reading.split, reading.label_fraction, reading.mean.mse, other.mean.mse
            );
        }
        worst = if difference.is_nan() { f64::INFINITY } else { worst.max(difference) };
    }
    let agrees = worst <= tolerance;
    let verdict = if agrees { "verified" } else { "NOT verified" };
    println!(
        "{verdict}: {} readings of {} on {}, seed {}; the largest difference of an MSE is {worst:.3e}, the tolerance {tolerance}",
        record.readings.len(),
        record.identity.method,
        record.identity.system,
        record.identity.seed
    );
    Ok(agrees)
}
