//! The arguments of `all` and `plan`: what to run, and where.

use std::{
    path::{self, Path, PathBuf},
    time::Duration,
};

use clap::Args;
use physrep_records::{Device, Lock, is_locked};
use physrep_runner::{
    CheckSettings, MissingData, PlanEvent, PlanSettings, QuickChecks, RunPlan, RunSelection, SelectionEvent, describe,
    interrupt,
};

use crate::{
    arguments::{DeviceArgument, Folders, Plugins, ProbesArgument, SuiteFolders, Workers},
    display::{Display, seconds},
    error::{Error, Result},
    launcher::OutlinedRun,
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

const IN_USE: &str = "another run is using this folder; wait for it, or choose another folder with --out";

impl RunArguments {
    /// Plans the run, locks its folder and writes the plan. With a `check_time` it is run here: methods that are new to it go through the
    /// quick checks first, each of which may take so long, and a folder that is in use is an error. Without one, its cells are run by
    /// others: there are no checks, and a folder that is in use is waited for.
    pub fn plan(self, check_time: Option<Duration>, display: &Display) -> Result<PlannedRun> {
        let (device, note, gpus) = self.device.resolve_for_cells()?;
        let folders = self.folders.load()?;
        let folder = folders.run.clone();
        if check_time.is_some() && is_locked(&folder)? {
            Lock::take(&folder, IN_USE)?;
        }
        display.line(&note.unwrap_or_else(|| match gpus.len() {
            0 => format!("device: {}", describe(device)),
            count => format!("devices: {count} GPUs, one of which is {}", describe(device)),
        }));
        display.processor(device);
        let mut plan = self.plan_of(&folders, device, check_time, MissingData::Prepare, display)?;
        // Not before, so that a plan that fails leaves no folder behind.
        let lock = match check_time {
            Some(_) => Lock::take(&folder, IN_USE)?,
            None => wait_for(&folder, display)?,
        };
        plan.write(&folder)?;
        Ok(PlannedRun { plan, folder, _lock: lock })
    }

    /// Plans the run without preparing data. If nothing is missing, the plan is written.
    pub fn outline(&self, display: &Display) -> Result<OutlinedRun> {
        let folders = self.folders.load()?;
        // The machine that submits tasks may have no GPU.
        let elsewhere = self.device.names_a_gpu() && self.device.resolve_for_cells().is_err();
        let device = if elsewhere {
            Device::Cpu
        } else {
            let (device, note, _) = self.device.resolve_for_cells()?;
            if let Some(note) = note {
                display.line(&format!("{note}; if tasks have a GPU, name it: --device cuda:0"));
            }
            device
        };
        let mut plan = self.plan_of(&folders, device, None, MissingData::Leave, display)?;
        let is_final = !elsewhere && plan.unprepared.is_empty();
        if is_final {
            let _lock = wait_for(&folders.run, display)?;
            plan.write(&folders.run)?;
        }
        let (words, suite_words) = (self.words(&folders)?, self.folders.suite_words());
        let cache = self.folders.cache().map(absolute).transpose()?;
        Ok(OutlinedRun { plan, folders, is_final, words, suite_words, cache })
    }

    fn plan_of(
        &self,
        folders: &SuiteFolders,
        device: Device,
        check_time: Option<Duration>,
        missing_data: MissingData,
        display: &Display,
    ) -> Result<RunPlan> {
        let (jobs, threads) = self.workers.jobs_and_threads(device, 1)?;
        let selection = RunSelection {
            plugins: self.plugins.paths()?,
            methods: self.methods.clone(),
            systems: self.systems.clone(),
            seeds: self.seeds.clone(),
            overrides: self.set.clone(),
        };
        let threads = threads * jobs;
        let checks =
            check_time.map(|time| QuickChecks { run: folders.run.clone(), settings: CheckSettings { threads, time } });
        let (data, probes) = (folders.data.clone(), self.probes.placement());
        let settings = PlanSettings { data, device, probes, threads, checks, missing_data };
        Ok(RunPlan::of(&folders.suite, &selection, &settings, &|event| show(display, &event))?)
    }

    /// The words of a command line that plan this run from the same working directory.
    fn words(&self, folders: &SuiteFolders) -> Result<Vec<String>> {
        let mut words = self.folders.suite_words();
        let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
        option("--data", absolute(&folders.data.files)?.display().to_string());
        if let Some(cache) = self.folders.cache() {
            option("--cache", absolute(cache)?.display().to_string());
        }
        option("--out", absolute(&folders.run)?.display().to_string());
        for (name, values) in [("--methods", &self.methods), ("--systems", &self.systems)] {
            if !values.is_empty() {
                option(name, values.join(","));
            }
        }
        if !self.seeds.is_empty() {
            option("--seeds", self.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(","));
        }
        for setting in &self.set {
            option("--set", setting.clone());
        }
        words.extend(self.plugins.words());
        words.extend(self.device.words());
        words.extend(self.probes.words());
        Ok(words)
    }
}

/// The lock of a run's folder, after whoever has it.
fn wait_for(folder: &Path, display: &Display) -> Result<Lock> {
    let mut waits = false;
    let lock = Lock::wait(folder, |holder| {
        if !waits {
            display.line(&format!("waiting for {holder}, which uses {}", folder.display()));
            waits = true;
        }
        interrupt::control_flow()
    })?;
    Ok(lock.ok_or(physrep_runner::Error::Interrupted)?)
}

/// The absolute path, which tasks in other folders and on other machines need.
fn absolute(path: &Path) -> Result<PathBuf> {
    path::absolute(path).map_err(Error::io(path))
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
