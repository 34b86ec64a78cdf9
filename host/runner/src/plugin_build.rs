//! Builds stale plugin crates with cargo.

use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
    process::Command,
};

use physrep_records::Device;
use serde_json::Value;

use crate::{
    cargo_output,
    error::{Error, Result},
    process_group,
    shipped::shipped_methods,
};

/// The target folder of builds for GPUs: `cuda` in the target folder of the crate's workspace.
fn cuda_target(folder: &Path) -> OsString {
    if let Some(target) = env::var_os("CARGO_TARGET_DIR") {
        return Path::new(&target).join("cuda").into();
    }
    let here = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    // The outermost enclosing crate: the workspace, or the crate itself.
    let root = here.ancestors().filter(|above| above.join("Cargo.toml").is_file()).last().unwrap_or(&here);
    root.join("target/cuda").into()
}

/// Builds the crate's library with `cargo build --release` and returns its path. A build for a GPU has the feature `cuda` and a target
/// folder of its own, so that the two builds do not invalidate each other. `on_line` gets each crate that is compiled or downloaded.
///
/// # Errors
///
/// [`Error::Build`] with cargo's first error and what follows; [`Error::Interrupted`].
pub(crate) fn build(folder: &Path, device: Device, on_line: &dyn Fn(&str)) -> Result<PathBuf> {
    let fail = |reason: String| Error::Build { path: folder.to_owned(), reason };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = cargo_command(&cargo);
    command
        .args(["build", "--release", "--lib", "--message-format=json-render-diagnostics"])
        .args(match device {
            Device::Cpu => package_arguments(&cargo, folder)?,
            Device::Cuda(_) => vec!["--features".into(), "cuda".into(), "--target-dir".into(), cuda_target(folder)],
        })
        .envs([("CARGO_TERM_PROGRESS_WHEN", "always"), ("CARGO_TERM_PROGRESS_WIDTH", "80")])
        .current_dir(folder);
    let progress = |line: &str| {
        if let Some(line) = cargo_output::progress(line) {
            on_line(&line);
        }
    };
    let output = process_group::output(&mut command, &progress, |e| fail(no_cargo(&e)))?;
    if !output.status.success() {
        return Err(fail(cargo_output::errors(&String::from_utf8_lossy(&output.stderr))));
    }
    let manifest = folder.join("Cargo.toml").canonicalize().map_err(Error::io(folder))?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| {
            message["reason"] == "compiler-artifact"
                && message["manifest_path"].as_str().map(Path::new) == Some(&manifest)
        })
        .flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .find(|file| file.extension().is_some_and(|e| e == env::consts::DLL_EXTENSION))
        .ok_or_else(|| fail("it has no dynamic library; its Cargo.toml needs `[lib] crate-type = [\"cdylib\"]`".into()))
}

/// Why a crate is not built where there is no cargo, and what to do.
fn no_cargo(error: &io::Error) -> String {
    let shipped = match shipped_methods().is_empty() {
        true => "",
        false => ", or run where there is no checkout, with the methods that came with this program",
    };
    format!(
        "a method in Rust is built with cargo, which does not run ({error}); install Rust from https://rustup.rs{shipped}"
    )
}

/// cargo without the environment variables that an outer `cargo run` sets for its own package: build scripts such as ring's depend on
/// them and would run again.
fn cargo_command(cargo: &OsStr) -> Command {
    let mut command = Command::new(cargo);
    let package_variables = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_NAME", "CARGO_BIN_NAME", "OUT_DIR"];
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| package_variables.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(name);
        }
    }
    command
}

/// Arguments that build a crate of this program's workspace together with this program, which is already built. On its own the crate
/// would have dependencies with fewer features, which cargo would compile a second time.
fn package_arguments(cargo: &OsStr, folder: &Path) -> Result<Vec<OsString>> {
    let mut command = cargo_command(cargo);
    command.args(["metadata", "--no-deps", "--format-version=1"]).current_dir(folder);
    let metadata = match process_group::output(&mut command, &|_| (), |e| Error::io(cargo)(e)) {
        Err(Error::Interrupted) => return Err(Error::Interrupted),
        metadata => metadata.ok().and_then(|output| serde_json::from_slice::<Value>(&output.stdout).ok()),
    };
    let Some(metadata) = metadata else {
        return Ok(Vec::new()); // the build reports the error
    };
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let manifest = folder.join("Cargo.toml").canonicalize().unwrap_or_default();
    let own = packages.iter().find(|package| package["manifest_path"].as_str().map(Path::new) == Some(&manifest));
    let host = packages.iter().find(|package| package["name"] == "physrep-bench");
    match [own, host].map(|package| package.and_then(|package| package["name"].as_str())) {
        [Some(own), Some(host)] => Ok(["-p", own, "-p", host].map(OsString::from).to_vec()),
        _ => Ok(Vec::new()),
    }
}
