//! Finds plugins: crates, libraries, and folders of methods in another process; builds stale crates with cargo.

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
    plugin::{MethodFolder, MethodLibrary, describe_library},
    process_group,
};

/// The source of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginSource {
    /// The folder of a crate, which cargo builds.
    Crate(PathBuf),
    /// The file of a built library.
    Library(PathBuf),
    /// The folder of a method in another process, and the crate of the library that starts its program, if one was named.
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The crate.
        starter: Option<PathBuf>,
    },
}

impl PluginSource {
    /// The library's file, which for a folder is the one that starts its program. A stale crate is built for `device` first.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] if the crate does not build.
    pub fn library(&self, device: Device) -> Result<PathBuf> {
        match self {
            Self::Library(path) => Ok(path.clone()),
            Self::Crate(folder) => build(folder, device),
            Self::Folder { starter, .. } => build_starter(starter.as_deref(), device),
        }
    }

    /// The method, described. A stale crate is built for `device` first.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] if the crate does not build; [`Error::Plugin`] if the library or the folder cannot be used;
    /// [`Error::Interrupted`].
    pub fn describe(&self, device: Device) -> Result<MethodLibrary> {
        let library = self.library(device)?;
        match self {
            Self::Folder { folder, .. } => MethodLibrary::of_folder(folder, &library),
            Self::Library(_) | Self::Crate(_) => describe_library(&library),
        }
    }
}

/// The plugin sources that `paths` name: crates, methods in another process, folders of either, or libraries. Without paths, the
/// `plugins` folder of the nearest enclosing checkout. The crate of the library that starts methods in another process is no method
/// itself; the one among `paths` is used where no checkout has it.
///
/// # Errors
///
/// [`Error::Usage`] if a path or the `plugins` folder does not exist, or a folder has no plugin.
pub fn plugin_sources(paths: &[PathBuf]) -> Result<Vec<PluginSource>> {
    if paths.is_empty() {
        let here = env::current_dir().map_err(Error::io("."))?;
        let plugins = here
            .ancestors()
            .map(|folder| folder.join("plugins"))
            .find(|plugins| plugins.is_dir() && plugins.with_file_name("Cargo.toml").is_file());
        return match plugins {
            Some(plugins) => sources_in(&plugins, None),
            None => Err(Error::Usage(format!(
                "no `plugins` folder beside a Cargo.toml in {} or above it; run inside a checkout of physrep-bench, or \
                 name crates or libraries with --plugins",
                here.display()
            ))),
        };
    }
    let starter = paths.iter().find(|path| is_starter(path)).map(PathBuf::as_path);
    let mut sources = Vec::new();
    for path in paths.iter().filter(|path| Some(path.as_path()) != starter) {
        if let Some(source) = source_at(path, starter)? {
            sources.push(source);
        } else if path.is_dir() {
            sources.extend(sources_in(path, starter)?);
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
        match source.describe(device) {
            Ok(plugin) if plugin.name() == name => return Ok((plugin, source)),
            Ok(plugin) => others.push(plugin.name().to_owned()),
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            // The crate may be another method's, so it is only an error if the method is not found.
            Err(error) => others.push(format!("({error})")),
        }
    }
    Err(Error::Usage(format!("no method `{name}`; found: {}", others.join(", "))))
}

/// The crates and methods directly in `folder`, in order of their names.
fn sources_in(folder: &Path, starter: Option<&Path>) -> Result<Vec<PluginSource>> {
    let entries = fs::read_dir(folder).map_err(Error::io(folder))?;
    let mut paths = entries.map(|entry| Ok(entry.map_err(Error::io(folder))?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    let sources = paths.iter().filter(|path| !is_starter(path)).filter_map(|path| source_at(path, starter).transpose());
    let sources = sources.collect::<Result<Vec<_>>>()?;
    if sources.is_empty() {
        return Err(Error::Usage(format!(
            "{} holds no plugin (a folder with a Cargo.toml, or one with a method.toml)",
            folder.display()
        )));
    }
    Ok(sources)
}

/// What is in the folder at `path`; none if it is neither a crate nor a method.
fn source_at(path: &Path, starter: Option<&Path>) -> Result<Option<PluginSource>> {
    match (path.join("Cargo.toml").is_file(), MethodFolder::is_one(path)) {
        (true, true) => Err(Error::Usage(format!(
            "{} has a Cargo.toml and a method.toml; expected one of them, for a crate or for a method in another process",
            path.display()
        ))),
        (true, false) => Ok(Some(PluginSource::Crate(path.to_owned()))),
        (false, true) => {
            Ok(Some(PluginSource::Folder { folder: path.to_owned(), starter: starter.map(Path::to_owned) }))
        }
        (false, false) => Ok(None),
    }
}

/// The package of the library that starts methods in another process.
const STARTER: &str = "physrep-external";

/// Whether the folder at `path` has the crate of the library that starts methods in another process, which is no method itself.
fn is_starter(path: &Path) -> bool {
    let manifest = fs::read_to_string(path.join("Cargo.toml")).unwrap_or_default();
    let manifest = manifest.parse::<toml::Table>().unwrap_or_default();
    manifest.get("package").and_then(|package| package.get("name")?.as_str()) == Some(STARTER)
}

/// The library that starts methods in another process: built from the checkout that this process or its program is in, or beside the
/// program, or built from the crate `named`.
fn build_starter(named: Option<&Path>, device: Device) -> Result<PathBuf> {
    let program = env::current_exe().map_err(Error::io("this program"))?;
    let here = env::current_dir().map_err(Error::io("."))?;
    let checkouts = here.ancestors().chain(program.ancestors());
    if let Some(folder) = checkouts.map(|folder| folder.join("plugins/external")).find(|folder| is_starter(folder)) {
        return build(&folder, device);
    }
    let name = format!("{}physrep_external{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let beside = program.with_file_name(&name);
    if beside.is_file() {
        return Ok(beside);
    }
    if let Some(named) = named {
        return build(named, device);
    }
    Err(Error::Usage(format!(
        "methods in another process need {name}; run inside a checkout of physrep-bench, or put it beside {}",
        program.display()
    )))
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
