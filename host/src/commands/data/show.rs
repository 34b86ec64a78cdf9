//! `physrep-bench data show`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use physrep_benchmarks::{suite::Suite, systems};

use crate::{error::Result, show};

#[derive(Debug, Args)]
pub struct Show {
    /// The system, such as shear_flow.
    system: String,
    /// The PNG file to write.
    #[arg(long, value_name = "FILE.png")]
    out: PathBuf,
    /// A suite's name, or the path of a suite file: its parameters, times and grid are solved.
    #[arg(long, default_value = "tiny")]
    suite: String,
    /// Read SYSTEM/data/{train,valid,test}/*.hdf5 in this folder instead of solving.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["suite", "resolution"])]
    data: Option<PathBuf>,
    /// A field, a channel such as velocity_x, or vorticity [default: the system's own].
    #[arg(long)]
    field: Option<String>,
    /// Frames on this grid instead of the suite's.
    #[arg(long, value_name = "NXxNY", value_parser = resolution)]
    resolution: Option<[usize; 2]>,
}

/// `128x256`
fn resolution(text: &str) -> std::result::Result<[usize; 2], String> {
    let parse = |part: &str| part.parse().ok().filter(|n| (2..=16384).contains(n));
    let sizes = text.split_once('x').and_then(|(nx, ny)| Some([parse(nx)?, parse(ny)?]));
    sizes.ok_or_else(|| "expected two numbers of points from 2 to 16384, such as 128x256".into())
}

impl Show {
    /// Draws the contact sheet.
    pub fn run(self) -> Result<ExitCode> {
        let Self { system, out, suite, data, field, resolution } = self;
        let (system, suite) = (systems::named(&system)?, Suite::load(&suite)?);
        show::run(&show::Show { system, suite, out, data, field, resolution })?;
        Ok(ExitCode::SUCCESS)
    }
}
