//! `physrep-bench data pack`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use physrep_benchmarks::{
    generate,
    packed::{self, Packed, packed_file},
    suite::Suite,
    systems, well,
};

use super::isolated;
use crate::{Result, display::Display, interrupt};

#[derive(Debug, Args)]
pub(crate) struct Pack {
    /// The system, such as shear_flow.
    system: String,
    /// A suite's name, or the path of a suite file.
    #[arg(long, default_value = "tiny")]
    suite: String,
    /// The folder that holds SYSTEM/data, generated or fetched.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The file to write [default: where `all` looks for it, DIR/SYSTEM/SUITE-vN.packed].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Pack) -> Result<ExitCode> {
    let Pack { system, suite, data, out } = args;
    let display = Display::default();
    let suite = Suite::load(suite)?;
    let out = out.clone().unwrap_or_else(|| packed_file(&suite, system, data));
    let packed = pack(&suite, system, data, &out, &display, system)?;
    let header = packed.header();
    let [nx, ny] = header.grid();
    let (trajectories, channels) = (header.trajectories.len(), header.channels.len());
    let holds =
        format!("{trajectories} trajectories of {} frames, {channels} channels on {nx}x{ny} points", header.frames);
    display.finish(system, &format!("{}: {holds}", out.display()));
    Ok(ExitCode::SUCCESS)
}

/// Packs a system's data, unless it is packed already, and shows as `task` how far it is. Files from elsewhere are
/// inspected first: HDF5 trusts what it reads.
pub(crate) fn pack(
    suite: &Suite,
    system: &str,
    data: &Path,
    out: &Path,
    display: &Display,
    task: &str,
) -> Result<Packed> {
    let system = systems::named(system)?;
    if generate::data_key(suite, system, data)?.is_none() {
        let splits = suite.section(system)?.splits();
        let files: Vec<_> = splits.filter_map(|split| well::split_files(data, system.name(), split).ok()).collect();
        isolated::vet(&files.concat(), display, task)?;
    }
    let progress = |done: usize, total: usize, note: &str| {
        display.progress(task, "pack", done as u64, total as u64, note);
        interrupt::flow()
    };
    Ok(packed::pack(suite, system, data, out, &progress)?)
}
