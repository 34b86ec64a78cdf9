//! Finds plugin crates and libraries, and lets cargo build the crates that are stale.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{Error, Result};

/// Where a method comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A crate's folder, which cargo builds.
    Crate(PathBuf),
    /// A library that is used as it is.
    Library(PathBuf),
}

impl Source {
    /// The library's file, built by cargo first if it comes from a crate. Cargo knows what is stale.
    pub fn library(&self) -> Result<PathBuf> {
        match self {
            Self::Library(path) => Ok(path.clone()),
            Self::Crate(folder) => build(folder),
        }
    }
}

/// The plugin sources that `paths` name: crates, folders of crates, or libraries. Without paths, the `plugins` folder
/// of the nearest enclosing checkout.
pub fn sources(paths: &[PathBuf]) -> Result<Vec<Source>> {
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
            sources.push(Source::Crate(path.clone()));
        } else if path.is_dir() {
            sources.extend(crates_in(path)?);
        } else if path.is_file() {
            sources.push(Source::Library(path.clone()));
        } else {
            return Err(Error::Usage(format!("--plugins {}: no such file or folder", path.display())));
        }
    }
    Ok(sources)
}

/// The crates right under `folder`, in order of their names.
fn crates_in(folder: &Path) -> Result<Vec<Source>> {
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
    Ok(crates.into_iter().map(Source::Crate).collect())
}

/// Builds the crate's library with `cargo build --release` and returns its path.
fn build(folder: &Path) -> Result<PathBuf> {
    let fail = |reason: String| Error::Build { path: folder.to_owned(), reason };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--lib", "--message-format=json-render-diagnostics"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| fail(format!("cargo does not run: {e}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let from = said.find("error").unwrap_or(0);
        return Err(fail(said[from..].trim().to_owned()));
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
