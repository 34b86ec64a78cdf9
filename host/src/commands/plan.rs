//! `physrep-bench plan`: plans a run without running it.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, Table, presets};
use physrep_records::CellOutcome;
use physrep_runner::interrupt;

use super::run_arguments::RunArguments;
use crate::{
    arguments::{AttemptsArgument, Patience},
    display::Display,
    error::Result,
    launcher::{Stage, commands_form::commands, task_list},
    output::{self, note, say},
};

/// What to plan.
#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    run: RunArguments,
    /// What to print: the cells, or the tasks of the run as shell commands, one a line, in an order in which they can run. For those,
    /// missing data is not prepared: that is a task.
    #[arg(long, value_enum, default_value = "table")]
    format: PlanFormat,
    /// With commands, only those of these stages.
    #[arg(long, value_enum, value_delimiter = ',')]
    stage: Vec<Stage>,
    #[command(flatten)]
    attempts: AttemptsArgument,
    #[command(flatten)]
    patience: Patience,
}

/// What `plan` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PlanFormat {
    /// The cells, and which are done.
    Table,
    /// Shell commands.
    Commands,
}

impl Plan {
    /// Prepares data and plugins, writes the run folder, and prints its cells.
    pub fn run(self) -> Result<ExitCode> {
        interrupt::install_signal_handlers()?;
        if self.format == PlanFormat::Commands {
            return self.print_commands();
        }
        let planned = self.run.plan(None, &Display::default())?;
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(["cell", "system", "method", "initialisation", "seed", "state", "joint pretraining"]);
        let mut missing = 0;
        for cell in &planned.plan.cells {
            let state = match cell.folder(&planned.folder).outcome_or_set_aside()?.0 {
                CellOutcome::Done(_) => "done",
                CellOutcome::Failed(_) => "failed",
                CellOutcome::Missing => "missing",
            };
            missing += usize::from(state != "done");
            let pretraining = cell.pretraining(&planned.folder);
            let shared = pretraining.path().file_name().filter(|_| !cell.joint.is_empty());
            table.add_row([
                cell.key(),
                cell.system().to_owned(),
                cell.method().to_owned(),
                cell.initialisation().to_string(),
                cell.seed.to_string(),
                state.to_owned(),
                shared.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            ]);
        }
        for listed in &planned.plan.elsewhere {
            let state = match listed.folder(&planned.folder).found_record() {
                Some(_) => "done",
                None => "to be scored again",
            };
            let identity = &listed.identity;
            table.add_row([
                identity.key.clone(),
                identity.system.clone(),
                identity.method.clone(),
                identity.initialisation.to_string(),
                identity.seed.to_string(),
                state.to_owned(),
                String::new(),
            ]);
        }
        say!("{table}");
        say!(
            "{} cells in {}, {missing} to run: `physrep-bench cell KEY --run {}` runs one, `physrep-bench all` runs them all",
            planned.plan.cells.len(),
            planned.folder.display(),
            planned.folder.display()
        );
        for error in &planned.plan.left_out {
            note!("left out: {error}");
        }
        Ok(if planned.plan.left_out.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(3) })
    }

    /// Prints the tasks of the run as shell commands.
    fn print_commands(self) -> Result<ExitCode> {
        let outlined = self.run.outline(&Display::default())?;
        let options = [self.attempts.words(), self.run.workers.words_of_a_cell(), self.patience.words()].concat();
        let tasks = task_list(&outlined, &options, false)?;
        output::write(&commands(&tasks, &self.stage));
        for error in &outlined.plan.left_out {
            note!("left out: {error}");
        }
        Ok(if outlined.plan.left_out.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(3) })
    }
}
