//! The script of a job: an array with a task a line of a file of commands.

use std::fmt::Write as _;
use std::path::Path;

use super::settings::SlurmSettings;
use crate::{launcher::stage::Stage, shell};

/// How long before its time limit a cell is told to write a checkpoint, in seconds.
const BEFORE_LIMIT: u32 = 60;

/// The script of the job of a stage.
pub struct Script<'a> {
    /// The stage.
    pub stage: Stage,
    /// The name of the job's files.
    pub name: &'a str,
    /// What Slurm is asked for.
    pub settings: &'a SlurmSettings,
    /// The folder of the submission, absolute.
    pub folder: &'a Path,
    /// The working directory of the tasks.
    pub here: &'a Path,
    /// The number of tasks.
    pub tasks: usize,
    /// How many tasks of an array run at once, at most.
    pub at_once: Option<u32>,
    /// Whether a task on a GPU is this stage's.
    pub needs_gres: bool,
}

impl Script<'_> {
    /// Its text.
    pub fn text(&self) -> String {
        let mut text = String::from("#!/bin/bash\n");
        let mut option = |option: &str, value: &str| {
            let _ = writeln!(text, "#SBATCH --{option}={value}");
        };
        let log = |file: &str| self.folder.join("log").join(format!("{}-{file}", self.name)).display().to_string();
        option("job-name", &format!("physrep-{}", self.name));
        option("output", &quoted(&log("%A_%a.txt")));
        option("open-mode", "append");
        let at_once = self.at_once.map(|count| format!("%{count}")).unwrap_or_default();
        option("array", &format!("0-{}{at_once}", self.tasks.saturating_sub(1)));
        let SlurmSettings { partition, time, gres, account, sbatch, .. } = self.settings;
        for (name, value) in [("partition", partition), ("time", time), ("account", account)] {
            if let Some(value) = value {
                option(name, &quoted(value));
            }
        }
        if let Some(gres) = gres.as_ref().filter(|_| self.needs_gres) {
            option("gres", &quoted(gres));
        }
        if self.stage.has_cells() {
            option("signal", &format!("B:USR1@{BEFORE_LIMIT}"));
        }
        text.push_str("#SBATCH --requeue\n");
        if let Some(more) = sbatch {
            let _ = writeln!(text, "#SBATCH {more}");
        }
        let commands = self.folder.join(format!("{}.txt", self.name)).display().to_string();
        let _ = writeln!(text, "\ncd {} || exit 1", shell::quoted(&self.here.display().to_string()));
        let _ = writeln!(
            text,
            "command=$(sed -n \"$((SLURM_ARRAY_TASK_ID + 1))p\" {}) || exit 1",
            shell::quoted(&commands)
        );
        // A cell takes the place of the shell, so that signals reach it.
        text.push_str(if self.stage.has_cells() { "eval \"exec $command\"\n" } else { "eval \"$command\"\n" });
        text
    }
}

/// The value of an option in a comment of a script, which may have spaces.
fn quoted(value: &str) -> String {
    if value.contains([' ', '\'']) { format!("\"{value}\"") } else { value.to_owned() }
}
