//! `physrep-bench doctor`: what this machine offers, and what it lacks.

use std::{env, process::Command};

use sysinfo::System;

use crate::{
    crates::{self, Source},
    device::{Driver, compiler},
};

/// Prints a line for each thing that runs depend on. True if nothing is missing that a run on the CPU needs.
pub fn run() -> bool {
    let mut sound = true;
    let mut say = |name: &str, found: Result<String, String>, needed: bool| {
        sound &= found.is_ok() || !needed;
        let mark = match &found {
            Ok(_) => "ok",
            Err(_) if needed => "MISSING",
            Err(_) => "-",
        };
        println!("{name:14} {mark:8} {}", found.unwrap_or_else(|why| why));
    };
    let memory = System::new().map_or(0, |mut system| {
        system.refresh_memory();
        system.total_memory() >> 20
    });
    say("processor", Ok(format!("{} threads, {}", crate::cli::cores(), physrep_nn::instruction_set())), true);
    say("memory", Ok(format!("{memory} MiB")), true);
    for tool in ["cargo", "rustc"] {
        say(tool, version(tool), true);
    }
    say("plugins", plugins(), true);
    match Driver::load() {
        Ok(driver) => {
            say("CUDA driver", Ok(format!("runs CUDA {}.{}", driver.cuda.0, driver.cuda.1)), false);
            for card in driver.cards {
                say("card", Ok(card.to_string()), false);
            }
        }
        Err(why) => say("CUDA driver", Err(format!("{why}; methods compute on the CPU")), false),
    }
    say(
        "nvcc",
        compiler()
            .map(|path| path.display().to_string())
            .ok_or("not on PATH, nor in $CUDA_HOME/bin; needed to build plugins for GPUs (docs/gpu.md)".into()),
        false,
    );
    sound
}

/// The first line that a tool says of its version.
fn version(tool: &str) -> Result<String, String> {
    let name = env::var_os(tool.to_uppercase()).unwrap_or_else(|| tool.into());
    let missing = || format!("`{tool}` does not run; it builds plugin crates: install Rust from https://rustup.rs");
    let output = Command::new(name).arg("--version").output().map_err(|_| missing())?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().filter(|_| output.status.success()).map(str::to_owned).ok_or_else(missing)
}

/// Names of the plugin crates that `all` would build.
fn plugins() -> Result<String, String> {
    let sources = crates::sources(&[]).map_err(|error| error.to_string())?;
    let names = sources.iter().filter_map(|source| match source {
        Source::Crate(folder) => folder.file_name().map(|name| name.to_string_lossy().into_owned()),
        Source::Library(_) => None,
    });
    Ok(names.collect::<Vec<_>>().join(", "))
}
