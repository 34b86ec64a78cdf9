//! What Slurm is asked for: from options, and from the table `[launcher]` of a configuration file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Deserialize;

use crate::error::{Error, Result};

/// The file of the table, if it is in the working directory.
const FILE: &str = "physrep-bench.toml";

/// Options of jobs.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Jobs of Slurm, with --launcher slurm")]
pub struct SlurmArguments {
    #[command(flatten)]
    settings: SlurmSettings,
    /// A file with a table `[launcher]` of the options above [default: physrep-bench.toml, if there is one here].
    #[arg(long, value_name = "FILE", requires = "launcher")]
    config: Option<PathBuf>,
    /// Print the scripts, and submit nothing.
    #[arg(long, requires = "launcher")]
    pub dry_run: bool,
    /// Wait for the jobs, with their progress.
    #[arg(long, requires = "launcher")]
    pub wait: bool,
}

/// What jobs ask Slurm for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SlurmSettings {
    /// Cells that run at once, at most [default: as many as Slurm lets].
    #[arg(long, value_name = "N", requires = "launcher", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub array_parallelism: Option<u32>,
    /// The partition of all jobs.
    #[arg(long, requires = "launcher")]
    pub partition: Option<String>,
    /// The time limit of each task, such as 2:00:00. A cell that meets it goes on from its checkpoint in another one.
    #[arg(long, requires = "launcher")]
    pub time: Option<String>,
    /// Generic resources of each cell, such as gpu:1.
    #[arg(long, requires = "launcher")]
    pub gres: Option<String>,
    /// The account of all jobs.
    #[arg(long, requires = "launcher")]
    pub account: Option<String>,
    /// Further options of sbatch for all jobs, such as "--constraint=a100 --cpus-per-task=8".
    #[arg(long, value_name = "OPTIONS", requires = "launcher", allow_hyphen_values = true)]
    pub sbatch: Option<String>,
}

/// A configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    launcher: SlurmSettings,
}

impl SlurmArguments {
    /// The options, and for those that are not given the values of the configuration file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or has other keys.
    pub fn settings(&self) -> Result<SlurmSettings> {
        let file = self.config.clone().or_else(|| Some(PathBuf::from(FILE)).filter(|file| file.is_file()));
        let known = file.map(|file| read(&file)).transpose()?.unwrap_or_default();
        let given = self.settings.clone();
        let settings = SlurmSettings {
            array_parallelism: given.array_parallelism.or(known.array_parallelism),
            partition: given.partition.or(known.partition),
            time: given.time.or(known.time),
            gres: given.gres.or(known.gres),
            account: given.account.or(known.account),
            sbatch: given.sbatch.or(known.sbatch),
        };
        let texts = [&settings.partition, &settings.time, &settings.gres, &settings.account, &settings.sbatch];
        if let Some(text) = texts.into_iter().flatten().find(|text| text.chars().any(char::is_control)) {
            return Err(Error::Usage(format!("an option of sbatch is {text:?}; expected text on one line")));
        }
        Ok(settings)
    }
}

fn read(file: &Path) -> Result<SlurmSettings> {
    let text = fs::read_to_string(file).map_err(Error::io(file))?;
    let config: Config = toml::from_str(&text).map_err(|e| Error::Usage(format!("{}: {e}", file.display())))?;
    Ok(config.launcher)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_go_before_the_file_and_other_keys_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config.toml");
        fs::write(&file, "[launcher]\npartition = \"gpu\"\narray-parallelism = 8\n").expect("writable");
        let given = SlurmSettings { partition: Some("short".into()), ..SlurmSettings::default() };
        let arguments = SlurmArguments { settings: given, config: Some(file.clone()), ..SlurmArguments::default() };
        let settings = arguments.settings().expect("settings");
        assert_eq!((settings.partition.as_deref(), settings.array_parallelism), (Some("short"), Some(8)));
        fs::write(&file, "[launcher]\npartitions = \"gpu\"\n").expect("writable");
        let error = arguments.settings().expect_err("refused").to_string();
        assert!(
            error.contains("config.toml") && error.contains("partitions") && error.contains("partition"),
            "{error}"
        );
    }
}
