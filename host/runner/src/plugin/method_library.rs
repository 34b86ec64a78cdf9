//! A method's library: its file, and how it describes itself.

use std::path::{Path, PathBuf};

use physrep_records::files;
use serde_json::Value;

use crate::error::{Error, Result, plain};

/// The longest name of a method, in letters.
const LONGEST_NAME: usize = 64;

/// A library that offers a method, and its description.
#[derive(Clone, Debug)]
pub struct MethodLibrary {
    path: PathBuf,
    checksum: String,
    description: Value,
}

impl MethodLibrary {
    /// The library at `path`, an absolute one, with this description.
    ///
    /// # Errors
    ///
    /// [`Error::Plugin`] if the description names no method, or one whose name cannot be that of a row.
    pub(super) fn new(path: &Path, description: Value) -> Result<Self> {
        Self::unnamed(path, files::checksum(path)?).described(description)
    }

    /// The library at `path`, an absolute one, before it has described itself.
    pub(crate) fn unnamed(path: &Path, checksum: String) -> Self {
        Self { path: path.to_owned(), checksum, description: Value::Null }
    }

    /// The library with a description.
    ///
    /// # Errors
    ///
    /// [`Error::Plugin`] if the description names no method, or one whose name cannot be that of a row.
    pub(crate) fn described(&self, description: Value) -> Result<Self> {
        let refuse = |reason: String| Error::Plugin { path: self.path.clone(), reason };
        let library = Self { description: plain_strings(description), ..self.clone() };
        let name = library.name();
        if name.is_empty() {
            return Err(refuse("its description names no method".into()));
        }
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        if name.len() > LONGEST_NAME || !name.chars().all(allowed) {
            let start: String = name.chars().take(LONGEST_NAME).collect();
            return Err(refuse(format!(
                "its method is called {start:?}; expected at most {LONGEST_NAME} lower-case letters, digits, `-` and `_`, because \
                 the name is that of a folder and of a row"
            )));
        }
        Ok(library)
    }

    /// The library's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// BLAKE3 of the library's file, in hexadecimal.
    pub fn checksum(&self) -> &str {
        &self.checksum
    }

    /// The description; the documentation of physrep-abi lists its keys.
    pub fn description(&self) -> &Value {
        &self.description
    }

    /// The method's name on the command line and in tables.
    pub fn name(&self) -> &str {
        self.description["name"].as_str().unwrap_or_default()
    }

    /// Whether the method supports joint pretraining on several systems.
    pub fn joint(&self) -> bool {
        self.description["joint_pretraining"].as_bool().unwrap_or(false)
    }

    /// Whether the method reads clips from the memory of the GPU that it computes on.
    pub(super) fn accepts_device_memory(&self) -> bool {
        self.description["accepts_device_memory"].as_bool().unwrap_or(false)
    }

    /// The version of the method's crate, if the description has it.
    pub fn version(&self) -> Option<&str> {
        self.description["version"].as_str()
    }

    /// The revision of the method's sources, if the description has it.
    pub fn revision(&self) -> Option<&str> {
        self.description["revision"].as_str()
    }
}

/// A description whose texts are [plain].
fn plain_strings(description: Value) -> Value {
    match description {
        Value::Object(entries) => entries
            .into_iter()
            .map(|(key, value)| match value {
                Value::String(text) => (key, plain(&text).into()),
                other => (key, other),
            })
            .collect(),
        other => other,
    }
}
