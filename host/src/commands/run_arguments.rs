//! The arguments of `all` and `plan`: what to run, and where.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use physrep_records::{Lock, is_locked};
use physrep_runner::{
    CheckSettings, PlanEvent, PlanSettings, QuickChecks, RunPlan, RunSelection, SelectionEvent, describe,
};

use crate::{
    arguments::{DeviceArgument, Folders, Plugins, ProbesArgument, SuiteFolders, Workers},
    display::{Display, seconds},
    error::Result,
};

/// What to run, and where.
#[derive(Debug, Args)]
pub struct RunArguments {
    #[command(flatten)]
    folders: Folders,
    #[command(flatten)]
    plugins: Plugins,
    /// Only these methods, separated by commas; `features` and `mean` are the floors [default: all].
    #[arg(long, value_delimiter = ',')]
    methods: Vec<String>,
    /// Only these systems, separated by commas [default: all of the suite].
    #[arg(long, value_delimiter = ',')]
    systems: Vec<String>,
    /// Seeds, separated by commas [default: the suite's].
    #[arg(long, value_delimiter = ',')]
    seeds: Vec<u64>,
    /// Override one key of a method's configuration, such as jepa.training.lr=1e-3.
    #[arg(long, value_name = "METHOD.KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    pub device: DeviceArgument,
    #[command(flatten)]
    probes: ProbesArgument,
    #[command(flatten)]
    pub workers: Workers,
}

/// A planned run, whose folder this process has locked.
pub struct PlannedRun {
    /// Its cells.
    pub plan: RunPlan,
    /// Its folder.
    pub folder: PathBuf,
    _lock: Lock,
}

impl RunArguments {
    /// Plans the run, locks its folder and writes the plan. Methods that are new to it go through the quick checks first, each of
    /// which may take `check_time`; without one, there are no checks.
    pub fn plan(self, check_time: Option<Duration>, display: &Display) -> Result<PlannedRun> {
        let (device, note) = self.device.resolve()?;
        let (jobs, threads) = self.workers.jobs_and_threads(device)?;
        let SuiteFolders { suite, data, run: folder } = self.folders.load()?;
        let in_use = "another run is using this folder; wait for it, or choose another folder with --out";
        if is_locked(&folder)? {
            Lock::take(&folder, in_use)?;
        }
        display.line(&note.unwrap_or_else(|| format!("device: {}", describe(device))));
        display.processor(device);
        let probes = self.probes.placement();
        let selection = RunSelection {
            plugins: self.plugins.paths()?,
            methods: self.methods,
            systems: self.systems,
            seeds: self.seeds,
            overrides: self.set,
        };
        let threads = threads * jobs;
        let checks =
            check_time.map(|time| QuickChecks { run: folder.clone(), settings: CheckSettings { threads, time } });
        let settings = PlanSettings { data, device, probes, threads, checks };
        let mut plan = RunPlan::of(&suite, &selection, &settings, &|event| show(display, &event))?;
        // Not before, so that a plan that fails leaves no folder behind.
        let lock = Lock::take(&folder, in_use)?;
        plan.write(&folder)?;
        Ok(PlannedRun { plan, folder, _lock: lock })
    }
}

/// Shows an event of planning.
pub(super) fn show(display: &Display, event: &PlanEvent<'_>) {
    match event {
        PlanEvent::Selection(SelectionEvent::Building(folder)) => {
            display.line(&format!("building {}", folder.display()));
        }
        PlanEvent::Selection(SelectionEvent::BuildLine(line)) => display.line(&format!("  {line}")),
        PlanEvent::Selection(SelectionEvent::Unusable(error)) => display.line(&error.to_string()),
        PlanEvent::Selection(SelectionEvent::VariantWithoutMethod { variant, method }) => {
            display.line(&format!("left out: `{variant}`, a variant of `{method}`, which does not exist"));
        }
        PlanEvent::Selection(SelectionEvent::NoJointPretraining(reason)) => {
            display.line(&format!("rows of joint pretraining are left out: {reason}"));
        }
        PlanEvent::FailsCheck { method, check, found } => {
            display.line(&format!("{} fails the check {}: {found}", method.name(), check.name));
            display.line(&format!("  expected: {} (physrep-bench check {})", check.what, method.path().display()));
        }
        PlanEvent::Data(progress) => display.data_progress(&format!("{} data", progress.task), progress),
        PlanEvent::DataReady(system, took) => {
            display.finish(&format!("{system} data"), &format!("ready in {}", seconds(took.as_secs_f64())));
        }
    }
}
