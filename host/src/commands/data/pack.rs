//! `physrep-bench data pack`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use physrep_benchmarks::{generate, systems};
use physrep_runner::{interrupt, pack_data, pack_system};

use crate::{
    arguments::{SuiteArgument, data_folders},
    display::Display,
    error::Result,
};

#[derive(Debug, Args)]
pub struct Pack {
    /// The system, such as shear_flow.
    system: String,
    #[command(flatten)]
    suite: SuiteArgument,
    /// The folder that holds SYSTEM/data, generated or fetched.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The file to write [default: where `all` looks for it, DIR/SYSTEM/SUITE-vN.packed or, if DIR cannot be written, in the cache].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The folder of packed data [default: that of the data or, where that cannot be written, packed/ in the folder of the user].
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    cache: Option<PathBuf>,
}

impl Pack {
    /// Packs the system's data, unless it is packed already.
    pub fn run(self) -> Result<ExitCode> {
        interrupt::install_signal_handlers()?;
        let Self { system, suite, data, out, cache } = self;
        let display = Display::default();
        let suite = suite.load()?;
        let listener = |progress: physrep_runner::DataProgress<'_>| display.data_progress(progress.task, &progress);
        let packed = match out {
            Some(out) => pack_data(&suite, &system, &data, &out, &listener)?,
            None => pack_system(&suite, &system, &data_folders(data.clone(), cache), &listener)?,
        };
        let solver = systems::named(&system)?;
        if suite.section(solver)?.generate.is_some() && generate::data_key(&suite, solver, &data)?.is_none() {
            display.line(&format!(
                "{system}: there is no generated.json, which says what the files are: taken as data from elsewhere; `all` asks for \
                 data of its own"
            ));
        }
        let header = packed.header();
        let [nx, ny] = header.grid();
        let (trajectories, channels) = (header.trajectories.len(), header.channels.len());
        let holds =
            format!("{trajectories} trajectories of {} frames, {channels} channels on {nx}x{ny} points", header.frames);
        display.finish(&system, &format!("{}: {holds}", packed.path().display()));
        Ok(ExitCode::SUCCESS)
    }
}
