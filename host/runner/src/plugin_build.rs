//! Finds plugin crates and libraries, and builds stale crates with cargo.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use physrep_records::Device;
use serde_json::Value;

use crate::{
    error::{Error, Result},
    plugin::{MethodLibrary, describe_library},
    process_group,
};

/// The source of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginSource {
    /// The folder of a crate, which cargo builds.
    Crate(PathBuf),
    /// The file of a built library.
    Library(PathBuf),
}

impl PluginSource {
    /// The library's file. A stale crate is built for `device` first.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] if the crate does not build.
    pub fn library(&self, device: Device) -> Result<PathBuf> {
        match self {
            Self::Library(path) => Ok(path.clone()),
            Self::Crate(folder) => build(folder, device),
        }
    }
}

/// The plugin sources that `paths` name: crates, folders of crates, or libraries. Without paths, the `plugins` folder of the
/// nearest enclosing checkout.
///
/// # Errors
///
/// [`Error::Usage`] if a path or the `plugins` folder does not exist, or a folder has no plugin crate.
pub fn plugin_sources(paths: &[PathBuf]) -> Result<Vec<PluginSource>> {
    if paths.is_empty() {
        let here = env::current_dir().map_err(Error::io("."))?;
        let plugins = here
            .ancestors()
            .map(|folder| folder.join("plugins"))
            .find(|plugins| plugins.is_dir() && plugins.with_file_name("Cargo.toml").is_file());
        return match plugins {
            Some(plugins) => crates_in(&plugins),
            None => Err(Error::Usage(format!(
                "no `plugins` folder beside a Cargo.toml in {} or above it; run inside a checkout of physrep-bench, or \
                 name crates or libraries with --plugins",
                here.display()
            ))),
        };
    }
    let mut sources = Vec::new();
    for path in paths {
        if path.join("Cargo.toml").is_file() {
            sources.push(PluginSource::Crate(path.clone()));
        } else if path.is_dir() {
            sources.extend(crates_in(path)?);
        } else if path.is_file() {
            sources.push(PluginSource::Library(path.clone()));
        } else {
            return Err(Error::Usage(format!("--plugins {}: no such file or folder", path.display())));
        }
    }
    Ok(sources)
}

/// The plugin of the method called `name`. Crates are built until it is found.
///
/// # Errors
///
/// [`Error::Usage`] if there is none; the message lists the methods that were found.
pub fn find_plugin(name: &str, plugins: &[PathBuf], device: Device) -> Result<MethodLibrary> {
    find_source(name, plugins, device, &|_| ()).map(|(plugin, _)| plugin)
}

/// The plugin of the method called `name`, and where it is from. `building` is told of each crate before it is built.
///
/// # Errors
///
/// Those of [`find_plugin`].
pub(crate) fn find_source(
    name: &str,
    plugins: &[PathBuf],
    device: Device,
    building: &dyn Fn(&Path),
) -> Result<(MethodLibrary, PluginSource)> {
    let mut others = Vec::new();
    for source in plugin_sources(plugins)? {
        if let PluginSource::Crate(folder) = &source {
            building(folder);
        }
        match source.library(device).and_then(|library| describe_library(&library)) {
            Ok(plugin) if plugin.name() == name => return Ok((plugin, source)),
            Ok(plugin) => others.push(plugin.name().to_owned()),
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            // The crate may be another method's, so it is only an error if the method is not found.
            Err(error) => others.push(format!("({error})")),
        }
    }
    Err(Error::Usage(format!("no method `{name}`; found: {}", others.join(", "))))
}

/// The crates directly in `folder`, in order of their names.
fn crates_in(folder: &Path) -> Result<Vec<PluginSource>> {
    let mut crates = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        let path = entry.map_err(Error::io(folder))?.path();
        if path.join("Cargo.toml").is_file() {
            crates.push(path);
        }
    }
    crates.sort();
    if crates.is_empty() {
        return Err(Error::Usage(format!("{} holds no plugin crate (a folder with a Cargo.toml)", folder.display())));
    }
    Ok(crates.into_iter().map(PluginSource::Crate).collect())
}

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
/// folder of its own, so that the two builds do not invalidate each other.
fn build(folder: &Path, device: Device) -> Result<PathBuf> {
    let fail = |reason: String| Error::Build { path: folder.to_owned(), reason };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = cargo_command(&cargo);
    command
        .args(["build", "--release", "--lib", "--message-format=json-render-diagnostics"])
        .args(match device {
            Device::Cpu => package_arguments(&cargo, folder)?,
            Device::Cuda(_) => vec!["--features".into(), "cuda".into(), "--target-dir".into(), cuda_target(folder)],
        })
        .current_dir(folder);
    let output = process_group::output(&mut command, |e| fail(format!("cargo does not run: {e}")))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let start = stderr.find("error").unwrap_or(0);
        return Err(fail(stderr[start..].trim().to_owned()));
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
    let metadata = match process_group::output(&mut command, |e| Error::io(cargo)(e)) {
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
