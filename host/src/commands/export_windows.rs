//! `physrep-bench export-windows`: the clips of a suite, for whoever embeds them elsewhere.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use physrep_runner::{cores, export_windows, interrupt, prepare_data, systems_of};

use crate::{
    arguments::{SuiteArgument, folder_name},
    display::Display,
    error::Result,
    output::say,
    places,
};

/// What to export.
#[derive(Debug, Args)]
pub struct ExportWindows {
    #[command(flatten)]
    suite: SuiteArgument,
    /// The folder of the data, which is generated if it is missing [default: data/SUITE in the checkout, or in the folder of the user].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the clips go, in a folder for each system [default: windows/SUITE].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only these systems, separated by commas [default: all of the suite].
    #[arg(long, value_delimiter = ',')]
    systems: Vec<String>,
}

impl ExportWindows {
    /// Writes the clips of each system, and prints where they are.
    pub fn run(self) -> Result<ExitCode> {
        interrupt::install_signal_handlers()?;
        let suite = self.suite.load()?;
        let display = Display::default();
        let data = match self.data {
            Some(data) => data,
            None => places::data(&folder_name(&suite))?,
        };
        let out = self.out.unwrap_or_else(|| places::beside_methods("windows", &folder_name(&suite)));
        for system in systems_of(&suite, &self.systems)? {
            let task = format!("{system} data");
            let source = prepare_data(&suite, &system, &data.clone().into(), cores(), &|progress| {
                display.data_progress(&task, &progress)
            })?;
            display.clear(&task);
            let exported = export_windows(&suite, &source, &out, &|done, total| {
                display.progress(&system, "export", done, total, "");
            })?;
            display.clear(&system);
            let [n, c, t, h, w] = exported.shape;
            say!("{}: {n} clips of ({c}, {t}, {h}, {w})", exported.folder.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}
