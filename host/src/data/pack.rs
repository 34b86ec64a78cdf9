//! `physrep-bench data pack`.

use std::{ops::ControlFlow, path::PathBuf, process::ExitCode};

use clap::Args;
use physrep_benchmarks::{pack, suite::Suite, systems};

use crate::{Result, display::Display};

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
    let display = Display::default();
    let suite = Suite::load(&args.suite)?;
    let out = args.out.clone().unwrap_or_else(|| pack::file(&suite, &args.system, &args.data));
    let progress = |done: usize, total: usize, note: &str| {
        display.progress(&args.system, "pack", done as u64, total as u64, note);
        ControlFlow::Continue(())
    };
    let packed = pack::pack(&suite, systems::named(&args.system)?, &args.data, &out, &progress)?;
    let header = packed.header();
    let [nx, ny] = header.grid();
    display.finish(
        &args.system,
        &format!(
            "{}: {} trajectories of {} frames, {} channels on {nx}x{ny} points",
            out.display(),
            header.trajectories.len(),
            header.frames,
            header.channels.len()
        ),
    );
    Ok(ExitCode::SUCCESS)
}
