//! `physrep-bench doctor`: checks what this machine provides, and what is missing.

use std::{
    env,
    process::{Command, ExitCode},
};

use clap::Args;
use physrep_runner::{CudaDriver, cores, cuda_compiler, instruction_set, plugin_sources, shipped_methods};
use sysinfo::System;

use crate::{arguments::Plugins, error::Result, output::say, places};

/// No arguments.
#[derive(Debug, Args)]
pub struct Doctor {}

impl Doctor {
    /// Prints a line per requirement. The exit code is 1 if a requirement of runs on the CPU is missing.
    pub fn run(self) -> Result<ExitCode> {
        Ok(if check() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn check() -> bool {
    let mut complete = true;
    let mut print_check = |name: &str, found: Result<String, String>, needed: bool| {
        complete &= found.is_ok() || !needed;
        let mark = match &found {
            Ok(_) => "ok",
            Err(_) if needed => "MISSING",
            Err(_) => "-",
        };
        say!("{name:14} {mark:8} {}", found.unwrap_or_else(|why| why));
    };
    let memory = System::new().map_or(0, |mut system| {
        system.refresh_memory();
        system.total_memory() >> 20
    });
    print_check("processor", Ok(format!("{} threads, {}", cores(), instruction_set())), true);
    print_check("memory", Ok(format!("{memory} MiB")), true);
    // Methods that came with the program are built.
    let builds = shipped_methods().is_empty();
    for tool in ["cargo", "rustc"] {
        print_check(tool, version(tool, "it builds methods in Rust: install Rust from https://rustup.rs"), builds);
    }
    let advice = "it links methods in Rust: install a C compiler (Debian: apt-get install gcc libc6-dev)";
    print_check("C compiler", version("cc", advice), builds);
    print_check("python3", version("python3", "methods in Python are run with it"), false);
    print_check("data", data_folder(), true);
    print_check("methods", methods(), true);
    match CudaDriver::load() {
        Ok(driver) => {
            print_check("CUDA driver", Ok(format!("runs CUDA {}.{}", driver.cuda.0, driver.cuda.1)), false);
            for gpu in driver.gpus {
                print_check("GPU", Ok(gpu.to_string()), false);
            }
        }
        Err(why) => print_check("CUDA driver", Err(format!("{why}; methods compute on the CPU")), false),
    }
    print_check(
        "nvcc",
        cuda_compiler()
            .map(|path| path.display().to_string())
            .ok_or("not on PATH, nor in $CUDA_HOME/bin; needed to build plugins for GPUs (docs/gpu.md)".into()),
        false,
    );
    complete
}

/// The version that a tool prints. If there is none, what it is for and how to get it.
fn version(tool: &str, advice: &str) -> Result<String, String> {
    let name = env::var_os(tool.to_uppercase()).unwrap_or_else(|| tool.into());
    let missing = || format!("`{tool}` does not run; {advice}");
    let output = Command::new(name).arg("--version").output().map_err(|_| missing())?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().filter(|_| output.status.success()).map(str::to_owned).ok_or_else(missing)
}

/// The folder of data that no option names, with the space that is left there.
fn data_folder() -> Result<String, String> {
    let folder = places::data("").map_err(|error| error.to_string())?;
    let there = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(&folder);
    let free = rustix::fs::statvfs(there).map_err(|error| format!("{}: {error}", there.display()))?;
    let gigabytes = free.f_bavail as f64 * free.f_frsize as f64 / 1e9;
    match tempfile::tempfile_in(there) {
        Ok(_) => Ok(format!("{}, {gigabytes:.1} GB free", folder.display())),
        Err(error) => Err(format!("{} cannot be written: {error}; name another folder with --data", folder.display())),
    }
}

/// Names of the methods that `all` would run.
fn methods() -> Result<String, String> {
    let sources = Plugins::default().paths().map_err(|error| error.to_string())?;
    let sources = plugin_sources(&sources).map_err(|error| error.to_string())?;
    let names = sources.iter().filter_map(|source| {
        let name = source.path().file_stem()?.to_string_lossy();
        Some(name.trim_start_matches("libphysrep_").to_owned())
    });
    Ok(names.collect::<Vec<_>>().join(", "))
}
