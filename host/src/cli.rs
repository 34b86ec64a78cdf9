//! The command line and its exit codes.

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use physrep_runner::interrupt;

use crate::{
    commands::{
        all::All, bench::Bench, bench::BenchOne, cell::CellCommand, check::Check, check::CheckOne, compare::Compare,
        completions::Completions, data::Data, describe_one::DescribeOne, doctor::Doctor, encode::Encode,
        export_windows::ExportWindows, gpu_one::GpuOne, leaderboard::Leaderboard, list::List, merge::Merge,
        method_one::MethodOne, new::New, plan::Plan, report::Report, schema::Schema, score::Score, status::Status,
        submit::Submit, table::Table, tensorboard::Tensorboard, tune::Tune, verify_result::VerifyResult,
    },
    error::{Error, Result},
    examples,
    output::{self, note},
};

/// How much physics does a learned representation hold? Pretrains encoder methods on physical systems without labels,
/// freezes them, and scores how well probes estimate the physical parameters from their embeddings.
#[derive(Debug, Parser)]
#[command(name = "physrep-bench", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a suite: generate missing data, build stale plugin crates, run unfinished cells, print the tables.
    All(All),
    /// Plan a run without running it: prepare data, build plugin crates, write the run folder, print the cells.
    Plan(Plan),
    /// Run one cell of a planned run in this process.
    Cell(CellCommand),
    /// Show the progress of a run, also from another shell.
    Status(Status),
    /// Begin a method: a crate in Rust, or a program in Python, anywhere on disk, that stands in the table.
    New(New),
    /// Check whether a method keeps to its contract: seeds, gradients, batches, resuming, shapes.
    Check(Check),
    /// Run one check in this process; started by `check`.
    #[command(hide = true)]
    CheckOne(CheckOne),
    /// Tune a method: random trials from its ranges, the same number for all, chosen on valid.
    Tune(Tune),
    /// Work with a suite's data.
    Data(Data),
    /// Print the tables of a run.
    Table(Table),
    /// Write a run as one offline HTML page, and its figures as SVG and CSV.
    Report(Report),
    /// Compare two runs of one suite: what changed, and whether it is significant.
    Compare(Compare),
    /// Merge runs from several machines into one.
    Merge(Merge),
    /// Run a cell again and compare its scores with its record.
    VerifyResult(VerifyResult),
    /// Make a folder for the leaderboard from a run: records, tables, report, a card for each method; checked.
    Submit(Submit),
    /// Check the folders of published runs, and write them as one page.
    Leaderboard(Leaderboard),
    /// Write the training curves of a run as TensorBoard event files.
    Tensorboard(Tensorboard),
    /// Embed clips with a method and a checkpoint.
    Encode(Encode),
    /// Write the clips of a suite, without labels, for whoever embeds them elsewhere.
    ExportWindows(ExportWindows),
    /// Probe embeddings that were made elsewhere; their row is marked, and not ranked.
    Score(Score),
    /// Time a method's training or encoding on clips of a given shape; prints JSON.
    Bench(Bench),
    /// Measure in this process; started by `bench`.
    #[command(hide = true)]
    BenchOne(BenchOne),
    /// Describe a library in this process; started by commands that look for methods.
    #[command(hide = true)]
    DescribeOne(DescribeOne),
    /// Open a method's library in this process and compute for a cell; started by cells.
    #[command(hide = true)]
    MethodOne(MethodOne),
    /// Open the first GPU in this process; started by `all --device cuda:all`.
    #[command(hide = true)]
    GpuOne(GpuOne),
    /// List the available methods, systems or suites.
    List(List),
    /// Print the JSON Schema of a cell's record.
    Schema(Schema),
    /// Print what a shell needs to complete command lines.
    Completions(Completions),
    /// Check what this machine provides, and what is missing.
    Doctor(Doctor),
}

/// The command line, with examples.
pub fn command() -> clap::Command {
    examples::added_to(Cli::command())
}

/// Runs the command line. Exit codes: 0 success, 1 an error, 2 wrong usage, 3 some cells have no record, 130 interrupted.
pub fn main() -> ExitCode {
    let parsed = command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(usage) => return explain(&usage),
    };
    match run(cli.command) {
        Ok(code) => code,
        // An interruption is the cause of any other error.
        Err(_) if interrupt::requested() => {
            note!("{}", physrep_runner::Error::Interrupted);
            ExitCode::from(interrupt::EXIT_CODE)
        }
        Err(error) => report(&error),
    }
}

/// Prints help or the version, which were asked for, or what is wrong with the command line.
fn explain(usage: &clap::Error) -> ExitCode {
    match usage.use_stderr() {
        true => note!("{}", usage.to_string().trim_end()),
        false => output::write(&usage.to_string()),
    }
    ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2))
}

fn report(error: &Error) -> ExitCode {
    note!("error: {error}");
    if error.is_usage() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::All(command) => command.run(),
        Command::Plan(command) => command.run(),
        Command::Cell(command) => command.run(),
        Command::New(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::CheckOne(command) => command.run(),
        Command::Status(command) => command.run(),
        Command::Tune(command) => command.run(),
        Command::Data(command) => command.run(),
        Command::Table(command) => command.run(),
        Command::Report(command) => command.run(),
        Command::Compare(command) => command.run(),
        Command::Merge(command) => command.run(),
        Command::VerifyResult(command) => command.run(),
        Command::Submit(command) => command.run(),
        Command::Leaderboard(command) => command.run(),
        Command::Tensorboard(command) => command.run(),
        Command::Encode(command) => command.run(),
        Command::ExportWindows(command) => command.run(),
        Command::Score(command) => command.run(),
        Command::Bench(command) => command.run(),
        Command::BenchOne(command) => command.run(),
        Command::DescribeOne(command) => command.run(),
        Command::MethodOne(command) => command.run(),
        Command::GpuOne(command) => command.run(),
        Command::List(command) => command.run(),
        Command::Schema(command) => command.run(),
        Command::Completions(completions) => completions.run(self::command()),
        Command::Doctor(command) => command.run(),
    }
}
