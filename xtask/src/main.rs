//! The chores of this repository: `cargo xtask COMMAND`.
//!
//! Every command calls cargo with one set of options (release profile, locked dependencies), those of the README and of
//! continuous integration, so that nothing is built twice.

mod process;
mod tasks;

use std::ffi::OsString;
use std::process::ExitCode;

use tasks::TASKS;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let command = arguments.next().unwrap_or_else(|| "--help".into());
    let rest: Vec<OsString> = arguments.collect();
    let asks_for_help = |argument: &OsString| argument == "--help" || argument == "-h";
    // Behind a command's name, `--help` is for the tool that the command starts.
    if asks_for_help(&command) || command == "help" {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    let Some(task) = TASKS.iter().find(|task| command == task.name) else {
        eprint!("error: there is no command {command:?}\n\n{}", help());
        return ExitCode::from(2);
    };
    match (task.run)(&rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: cargo xtask {}: {reason}", task.name);
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let commands: String = TASKS
        .iter()
        .map(|task| format!("  {:<18} {}\n", format!("{} {}", task.name, task.arguments), task.summary))
        .collect();
    format!("The chores of this repository.\n\nUsage: cargo xtask COMMAND [ARGUMENTS]\n\n{commands}")
}
