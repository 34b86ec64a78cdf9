#![doc = include_str!("../README.md")]

mod arguments;
mod cli;
mod commands;
mod cuda_libraries;
mod display;
mod error;
mod examples;
mod fetch;
mod launcher;
mod live_results;
mod logger;
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
mod old_glibc;
mod output;
mod places;
mod sdk;
mod shell;
mod show;
mod submission;
mod whole_folder;

use std::process::ExitCode;

fn main() -> ExitCode {
    // SAFETY: this is the only thread.
    unsafe { cuda_libraries::add_to_search_path() };
    logger::install();
    cli::main()
}
