//! Finds plugins: crates, libraries, and folders of methods in another process.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use physrep_records::Device;

use crate::{
    error::{Error, Result},
    plugin::{MethodFolder, MethodLibrary, describe_library},
    plugin_build::build,
    shipped,
};

/// The source of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginSource {
    /// The folder of a crate, which cargo builds.
    Crate(PathBuf),
    /// The file of a built library; for GPUs the one of that name in `cuda` beside it, if it is there.
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
    /// The library's file, which for a folder is the one that starts its program. A stale crate is built for `device` first; `on_line`
    /// gets what cargo says meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] if the crate does not build.
    pub fn library(&self, device: Device, on_line: &dyn Fn(&str)) -> Result<PathBuf> {
        match self {
            Self::Library(path) => shipped::for_device(path, device),
            Self::Crate(folder) => build(folder, device, on_line),
            Self::Folder { starter, .. } => build_starter(starter.as_deref(), device, on_line),
        }
    }

    /// What its author knows it by: the folder, or the library.
    pub fn path(&self) -> &Path {
        match self {
            Self::Crate(path) | Self::Library(path) | Self::Folder { folder: path, .. } => path,
        }
    }

    /// The folder of the crate that is built if it is stale; for a method in another process, that of the library that starts its program,
    /// if one was named.
    pub(crate) fn built_from(&self) -> Option<&Path> {
        match self {
            Self::Crate(folder) | Self::Folder { starter: Some(folder), .. } => Some(folder),
            Self::Library(_) | Self::Folder { starter: None, .. } => None,
        }
    }

    /// The method, described. A stale crate is built for `device` first; `on_line` gets what cargo says meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] if the crate does not build; [`Error::Plugin`] if the library or the folder cannot be used;
    /// [`Error::Interrupted`].
    pub fn describe(&self, device: Device, on_line: &dyn Fn(&str)) -> Result<MethodLibrary> {
        let library = self.library(device, on_line)?;
        match self {
            Self::Folder { folder, .. } => MethodLibrary::of_folder(folder, &library),
            Self::Library(_) | Self::Crate(_) => describe_library(&library),
        }
    }
}

/// The plugin sources that `paths` name: crates, methods in another process, folders of either, or libraries. The crate of the library
/// that starts methods in another process is no method itself; the one among `paths` is used where no checkout has it.
///
/// # Errors
///
/// [`Error::Usage`] if a path does not exist, or a folder has no plugin.
pub fn plugin_sources(paths: &[PathBuf]) -> Result<Vec<PluginSource>> {
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
        match source.describe(device, &|_| ()) {
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

/// The library that starts methods in another process: the one that came with this program, or built from the checkout that this process
/// or its program is in, or from the crate `named`.
fn build_starter(named: Option<&Path>, device: Device, on_line: &dyn Fn(&str)) -> Result<PathBuf> {
    let program = env::current_exe().map_err(Error::io("this program"))?;
    let here = env::current_dir().map_err(Error::io("."))?;
    let checkouts = here.ancestors().chain(program.ancestors());
    if let Some(folder) = checkouts.map(|folder| folder.join("plugins/external")).find(|folder| is_starter(folder)) {
        return build(&folder, device, on_line);
    }
    // It computes nothing, so that one for the CPU is for GPUs, too.
    if let Some(shipped) = shipped::library("physrep_external", Device::Cpu)? {
        return Ok(shipped);
    }
    if let Some(named) = named {
        return build(named, device, on_line);
    }
    Err(Error::Usage(format!(
        "methods in another process need the library physrep_external; run inside a checkout of physrep-bench, or put it beside {}",
        program.display()
    )))
}
