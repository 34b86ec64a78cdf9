//! `physrep-bench data`: the commands that work with a suite's data.

use std::{ops::ControlFlow, path::PathBuf, process::ExitCode, time::Instant};

use clap::Subcommand;
use physrep_benchmarks::{generate, suite::Suite, systems};

use crate::{
    Result,
    cli::cores,
    display::{Display, seconds},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Solve a system's equations and write the trajectories as files of The Well.
    Generate {
        /// The system, such as shear_flow.
        system: String,
        /// A suite's name, or the path of a suite file.
        #[arg(long, default_value = "tiny")]
        suite: String,
        /// The folder that gets SYSTEM/data/{train,valid,test}/*.hdf5.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Threads [default: all cores].
        #[arg(long)]
        threads: Option<usize>,
    },
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Generate { system, suite, out, threads } => {
            let display = Display::default();
            let suite = Suite::load(&suite)?;
            let clock = Instant::now();
            let progress = |done: usize, total: usize, note: &str| {
                display.progress(&system, "generate", done as u64, total as u64, note);
                ControlFlow::Continue(())
            };
            generate::generate(&suite, systems::named(&system)?, &out, threads.unwrap_or_else(cores), &progress)?;
            let took = seconds(clock.elapsed().as_secs_f64());
            display.finish(&system, &format!("{} in {took}", out.join(&system).display()));
            Ok(ExitCode::SUCCESS)
        }
    }
}
