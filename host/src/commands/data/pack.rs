//! `physrep-bench data pack`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use physrep_benchmarks::{generate, packed, systems};
use physrep_runner::pack_data;

use crate::{arguments::SuiteArgument, display::Display, error::Result};

#[derive(Debug, Args)]
pub struct Pack {
    /// The system, such as shear_flow.
    system: String,
    #[command(flatten)]
    suite: SuiteArgument,
    /// The folder that holds SYSTEM/data, generated or fetched.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The file to write [default: where `all` looks for it, DIR/SYSTEM/SUITE-vN.packed].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Pack {
    /// Packs the system's data, unless it is packed already.
    pub fn run(self) -> Result<ExitCode> {
        let Self { system, suite, data, out } = self;
        let display = Display::default();
        let suite = suite.load()?;
        let out = out.unwrap_or_else(|| packed::packed_file(&suite, &system, &data));
        let listener = |progress: physrep_runner::DataProgress<'_>| display.data_progress(progress.task, &progress);
        let packed = pack_data(&suite, &system, &data, &out, &listener)?;
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
        display.finish(&system, &format!("{}: {holds}", out.display()));
        Ok(ExitCode::SUCCESS)
    }
}
