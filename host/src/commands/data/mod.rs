//! `physrep-bench data`: commands for a suite's data.

mod fetch;
mod generate;
mod info;
mod inspect_one;
mod inspection;
mod pack;
mod show;
mod summary;
mod text;
mod verify;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::error::Result;

/// Work with a suite's data.
#[derive(Debug, Args)]
pub struct Data {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Solve a system's equations and write the trajectories as files of The Well.
    Generate(generate::Generate),
    /// Download The Well's published files from the Hugging Face hub; an interrupted download is resumed.
    Fetch(fetch::Fetch),
    /// Describe data: fields, grid, parameters, splits, sizes, statistics.
    Info(info::Info),
    /// Check data: structure, values, statistics, checksums, duplicate trajectories.
    Verify(verify::Verify),
    /// Pack a system's files into one file for training: cropped, resized, normalised, memory-mapped.
    Pack(pack::Pack),
    /// Draw a contact sheet of a system: a field over time for a few sets of parameters.
    Show(show::Show),
    /// Inspect one file; started by `info` and `verify`.
    #[command(hide = true)]
    InspectOne(inspect_one::InspectOne),
}

impl Data {
    /// Runs the command.
    pub fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Generate(command) => command.run(),
            Command::Fetch(command) => command.run(),
            Command::Info(command) => command.run(),
            Command::Verify(command) => command.run(),
            Command::Pack(command) => command.run(),
            Command::Show(command) => command.run(),
            Command::InspectOne(command) => command.run(),
        }
    }
}
