//! The arguments of `all` and `plan`: what to run, and where.

use std::path::PathBuf;

use clap::Args;
use physrep_records::Lock;
use physrep_runner::{PlanEvent, PlanSettings, RunPlan, RunSelection, SelectionEvent, describe};

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
    /// Locks the run's folder, plans the run and writes the plan.
    pub fn plan(self, display: &Display) -> Result<PlannedRun> {
        let (device, note) = self.device.resolve()?;
        let (jobs, threads) = self.workers.jobs_and_threads(device)?;
        let SuiteFolders { suite, data, run: folder } = self.folders.load()?;
        let in_use = "another run is using this folder; wait for it, or choose another folder with --out";
        let lock = Lock::take(&folder, in_use)?;
        display.line(&note.unwrap_or_else(|| format!("device: {}", describe(device))));
        let probes = self.probes.placement();
        let selection = RunSelection {
            plugins: self.plugins.paths()?,
            methods: self.methods,
            systems: self.systems,
            seeds: self.seeds,
            overrides: self.set,
        };
        let settings = PlanSettings { data, device, probes, threads: threads * jobs };
        let mut plan = RunPlan::of(&suite, &selection, &settings, &|event| show(display, &event))?;
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
        PlanEvent::Data(progress) => display.data_progress(&format!("{} data", progress.task), progress),
        PlanEvent::DataReady(system, took) => {
            display.finish(&format!("{system} data"), &format!("ready in {}", seconds(took.as_secs_f64())));
        }
    }
}
