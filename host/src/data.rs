//! `physrep-bench data`: the commands that work with a suite's data.

use std::{
    ops::ControlFlow,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Subcommand;
use physrep_benchmarks::{generate, split::Split, suite::Suite, systems};

use crate::{
    Error, Result,
    cli::cores,
    display::{Display, seconds},
    fetch::{self, Fetch, Patience},
    show::{self, Show},
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
    /// Download The Well's published files from the Hugging Face hub; what was cut is continued.
    Fetch {
        /// The system, such as shear_flow.
        system: String,
        /// The folder that gets SYSTEM/data/{train,valid,test}/*.hdf5.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Only these splits, separated by commas [default: all].
        #[arg(long, value_delimiter = ',', value_parser = split)]
        split: Vec<Split>,
        /// Only data files whose name fits one of these globs, or has one of these parts, separated by commas.
        #[arg(long, value_delimiter = ',', value_name = "GLOB")]
        files: Vec<String>,
        /// Only list the files, their sizes and whether they are here.
        #[arg(long)]
        dry_run: bool,
        /// Tries in a row that bring nothing before giving up.
        #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
        tries: u32,
        /// Seconds to wait after the first such try; each further wait is twice as long.
        #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
        retry_wait: f64,
    },
    /// Draw a contact sheet of a system: a field over time for a few sets of parameters.
    Show {
        /// The system, such as shear_flow.
        system: String,
        /// The PNG file to write.
        #[arg(long, value_name = "FILE.png")]
        out: PathBuf,
        /// A suite's name, or the path of a suite file: its parameters, times and grid are solved.
        #[arg(long, default_value = "tiny")]
        suite: String,
        /// Read SYSTEM/data/{train,valid,test}/*.hdf5 of this folder instead of solving.
        #[arg(long, value_name = "DIR", conflicts_with_all = ["suite", "resolution"])]
        data: Option<PathBuf>,
        /// A field, a channel such as velocity_x, or vorticity [default: the system's own].
        #[arg(long)]
        field: Option<String>,
        /// Frames on this grid instead of the suite's.
        #[arg(long, value_name = "NXxNY", value_parser = resolution)]
        resolution: Option<[usize; 2]>,
    },
}

/// `128x256`
fn resolution(text: &str) -> Result<[usize; 2], String> {
    let parse = |part: &str| part.parse().ok().filter(|n| (2..=16384).contains(n));
    let sizes = text.split_once('x').and_then(|(nx, ny)| Some([parse(nx)?, parse(ny)?]));
    sizes.ok_or_else(|| "expected two numbers of points from 2 to 16384, such as 128x256".into())
}

fn split(name: &str) -> Result<Split, String> {
    let published = [Split::Train, Split::Valid, Split::Test];
    let known = || published.map(Split::name).join(", ");
    published.into_iter().find(|split| split.name() == name).ok_or_else(|| format!("there is {}", known()))
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
        Command::Fetch { system, out, split, files, dry_run, tries, retry_wait } => {
            let first = Duration::try_from_secs_f64(retry_wait)
                .map_err(|e| Error::Usage(format!("--retry-wait {retry_wait}: {e}")))?;
            let patience = Patience { tries, first };
            fetch::run(&Fetch { system, out, splits: split, files, dry_run, patience })?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Show { system, out, suite, data, field, resolution } => {
            let (system, suite) = (systems::named(&system)?, Suite::load(&suite)?);
            show::run(&Show { system, suite, out, data, field, resolution })?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
