//! `physrep-bench data fetch`.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;
use physrep_benchmarks::Split;

use crate::{
    error::{Error, Result},
    fetch::{self, RetryPolicy},
};

#[derive(Debug, Args)]
pub struct Fetch {
    /// The system, such as shear_flow.
    system: String,
    /// The folder to write SYSTEM/data/{train,valid,test}/*.hdf5 to.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only these splits, separated by commas [default: all].
    #[arg(long, value_delimiter = ',', value_parser = split)]
    split: Vec<Split>,
    /// Only data files whose name matches one of these globs or contains one of these parts, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "GLOB")]
    files: Vec<String>,
    /// Only list the files, their sizes and whether they are already downloaded.
    #[arg(long)]
    dry_run: bool,
    /// Consecutive tries without progress before giving up.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    tries: u32,
    /// Seconds to wait after the first such try; each further wait is twice as long, up to a minute.
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
    retry_wait: f64,
}

fn split(name: &str) -> Result<Split, String> {
    let known = || Split::PUBLISHED.map(Split::name).join(", ");
    Split::PUBLISHED
        .into_iter()
        .find(|split| split.name() == name)
        .ok_or_else(|| format!("expected one of {}", known()))
}

impl Fetch {
    /// Downloads missing files.
    pub fn run(self) -> Result<ExitCode> {
        let Self { system, out, split: splits, files, dry_run, tries, retry_wait } = self;
        let first = Duration::try_from_secs_f64(retry_wait)
            .map_err(|e| Error::Usage(format!("--retry-wait {retry_wait}: {e}")))?;
        let retry = RetryPolicy { tries, first };
        fetch::run(&fetch::FetchRequest { system, out, splits, files, dry_run, retry })?;
        Ok(ExitCode::SUCCESS)
    }
}
