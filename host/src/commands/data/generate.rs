//! `physrep-bench data generate`.

use std::{path::PathBuf, process::ExitCode, time::Instant};

use clap::Args;
use physrep_benchmarks::{generate, systems};
use physrep_runner::{cores, interrupt};

use crate::{
    arguments::{SuiteArgument, worker_count},
    display::{Display, seconds},
    error::Result,
};

#[derive(Debug, Args)]
pub struct Generate {
    /// The system, such as shear_flow.
    system: String,
    #[command(flatten)]
    suite: SuiteArgument,
    /// The folder to write SYSTEM/data/{train,valid,test,held_out}/*.hdf5 to.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Threads [default: all cores].
    #[arg(long, value_parser = worker_count)]
    threads: Option<usize>,
}

impl Generate {
    /// Generates missing data.
    pub fn run(self) -> Result<ExitCode> {
        interrupt::install_signal_handlers()?;
        let Self { system, suite, out, threads } = self;
        let display = Display::default();
        let suite = suite.load()?;
        let clock = Instant::now();
        let progress = |done: usize, total: usize, note: &str| {
            display.progress(&system, "generate", done as u64, total as u64, note);
            interrupt::control_flow()
        };
        let solver = systems::named(&system)?;
        let summary = generate::generate(&suite, solver, &out, threads.unwrap_or_else(cores), &progress)?;
        let took = seconds(clock.elapsed().as_secs_f64());
        let solved = format!("{} of {} trajectories solved", summary.simulated, summary.trajectories);
        display.finish(&system, &format!("{}: {solved}, in {took}", out.join(&system).display()));
        Ok(ExitCode::SUCCESS)
    }
}
