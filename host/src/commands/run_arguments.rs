//! The arguments of `all` and `plan`: what to run, and where.

use std::path::PathBuf;

use clap::Args;
use physrep_benchmarks::suite::Suite;
use physrep_records::Lock;
use physrep_runner::{PlanEvent, PlanSettings, RunPlan, RunSelection, SelectionEvent, cores, describe};

use crate::{
    arguments::{DeviceArgument, Plugins},
    display::{Display, seconds},
    error::{Error, Result},
};

/// What to run, and where.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// A suite's name, or the path of a suite file.
    #[arg(long, default_value = "tiny")]
    suite: String,
    /// The folder of the data, which is generated if it is missing [default: data/SUITE].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The folder of the run [default: runs/SUITE].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
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
    device: DeviceArgument,
    /// Cells that run concurrently.
    #[arg(long, default_value_t = 1)]
    pub jobs: usize,
    /// Threads per cell [default: all cores, divided among the jobs].
    #[arg(long)]
    threads: Option<usize>,
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
    /// Threads per cell.
    pub fn threads(&self) -> Result<usize> {
        if self.jobs == 0 || self.threads == Some(0) {
            return Err(Error::Usage("--jobs and --threads must be 1 or more".into()));
        }
        Ok(self.threads.unwrap_or_else(|| (cores() / self.jobs).max(1)))
    }

    /// Locks the run's folder, plans the run and writes the plan.
    pub fn plan(self, display: &Display) -> Result<PlannedRun> {
        let threads = self.threads()? * self.jobs;
        let suite = Suite::load(&self.suite)?;
        let data = self.data.unwrap_or_else(|| PathBuf::from("data").join(&suite.name));
        let folder = self.out.unwrap_or_else(|| PathBuf::from("runs").join(&suite.name));
        let in_use = "another run is using this folder; wait for it, or choose another folder with --out";
        let lock = Lock::take(&folder, in_use)?;
        let (device, note) = self.device.resolve()?;
        display.line(&note.unwrap_or_else(|| format!("device: {}", describe(device))));
        let selection = RunSelection {
            plugins: self.plugins.plugins,
            methods: self.methods,
            systems: self.systems,
            seeds: self.seeds,
            overrides: self.set,
        };
        let settings = PlanSettings { data, device, threads };
        let plan = RunPlan::of(&suite, &selection, &settings, &|event| show(display, &event))?;
        plan.write(&folder)?;
        Ok(PlannedRun { plan, folder, _lock: lock })
    }
}

/// Shows an event of planning.
fn show(display: &Display, event: &PlanEvent<'_>) {
    match event {
        PlanEvent::Selection(SelectionEvent::Building(folder)) => {
            display.line(&format!("building {}", folder.display()));
        }
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
