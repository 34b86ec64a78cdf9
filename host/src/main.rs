#![doc = include_str!("../README.md")]

mod arguments;
mod cli;
mod commands;
mod display;
mod error;
mod fetch;
mod logger;
mod output;
mod places;
mod sdk;
mod show;

use std::process::ExitCode;

fn main() -> ExitCode {
    logger::install();
    cli::main()
}
