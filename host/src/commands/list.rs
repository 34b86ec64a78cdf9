//! `physrep-bench list`: the available methods, systems or suites.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use physrep_benchmarks::{suite::Suite, systems};
use physrep_records::Device;
use physrep_runner::{interrupt, plugin_sources};

use crate::{
    arguments::Plugins,
    error::Result,
    output::{note, say},
};

/// What to list.
#[derive(Debug, Args)]
pub struct List {
    /// What to list.
    #[arg(value_enum)]
    what: What,
    #[command(flatten)]
    plugins: Plugins,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    Methods,
    Systems,
    Suites,
}

impl List {
    /// Prints the list.
    pub fn run(self) -> Result<ExitCode> {
        match self.what {
            What::Methods => self.methods()?,
            What::Systems => systems::names().for_each(|name| say!("{name}")),
            What::Suites => Suite::names().for_each(|name| say!("{name}")),
        }
        Ok(ExitCode::SUCCESS)
    }

    fn methods(&self) -> Result<()> {
        interrupt::install_signal_handlers()?;
        for source in plugin_sources(&self.plugins.paths()?)? {
            match source.describe(Device::Cpu, &|line| note!("{line}")) {
                Ok(plugin) => {
                    let text = |key: &str| plugin.description()[key].as_str().unwrap_or_default().to_owned();
                    say!("{:12} {} {}", plugin.name(), text("summary"), text("reference"));
                    say!("{:12} config: {}", "", plugin.description()["default_config"]);
                }
                Err(error) if interrupt::requested() => return Err(error.into()),
                Err(error) => note!("{error}"),
            }
        }
        say!("{:12} Floor: ridge regression on hand-made statistics of the fields.", "features");
        say!("{:12} Floor: the mean of the training labels.", "mean");
        Ok(())
    }
}
