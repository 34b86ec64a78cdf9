//! `physrep-bench data`: the commands that work with a suite's data.

mod fetch;
mod generate;
mod info;
mod isolated;
mod pack;
mod show;
mod summary;
mod text;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

use crate::Result;
pub(crate) use pack::pack;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Solve a system's equations and write the trajectories as files of The Well.
    Generate(generate::Generate),
    /// Download The Well's published files from the Hugging Face hub; what was cut is continued.
    Fetch(fetch::Fetch),
    /// Say what data holds: fields, grid, parameters, splits, sizes, statistics.
    Info(info::Info),
    /// Check that data is sound: structure, values, statistics, checksums, no trajectory twice.
    Verify(verify::Verify),
    /// Pack a system's files into the one that training reads: cropped, resized, normalised, memory-mapped.
    Pack(pack::Pack),
    /// Draw a contact sheet of a system: a field over time for a few sets of parameters.
    Show(show::Show),
    /// Inspect one file; started by `info` and `verify`.
    #[command(hide = true)]
    InspectOne(isolated::One),
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Generate(generate) => generate::run(&generate),
        Command::Fetch(fetch) => fetch::run(fetch),
        Command::Info(info) => info::run(&info),
        Command::Verify(verify) => verify::run(&verify),
        Command::Pack(pack) => pack::run(&pack),
        Command::Show(show) => show::run(show),
        Command::InspectOne(one) => isolated::one(&one),
    }
}
