//! A method's library: where its code is, and how it describes itself.

use std::path::Path;

use physrep_benchmarks::name::{PLAIN_NAME, is_plain_name};
use physrep_records::{EncoderSpec, Initialisation, files};
use serde_json::Value;

use super::{method_code::MethodCode, method_folder::MethodFolder};
use crate::error::{Error, Result, plain};

/// A library that offers a method, and its description.
#[derive(Clone, Debug)]
pub struct MethodLibrary {
    code: MethodCode,
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
        let code = MethodCode { library: path.to_owned(), folder: None };
        Self::unnamed(code, files::checksum(path)?).described(description)
    }

    /// The method in another process whose folder is at `path`; the library at `library` starts its program. No code of it is run.
    ///
    /// # Errors
    ///
    /// [`Error::Plugin`] if the folder's settings or files cannot be used.
    pub(crate) fn of_folder(path: &Path, library: &Path) -> Result<Self> {
        let folder = MethodFolder::read(path)?;
        let library = library.canonicalize().map_err(Error::io(library))?;
        let code = MethodCode { library, folder: Some(folder.path().to_owned()) };
        let checksum = code.checksum()?;
        Self::unnamed(code, checksum).described(folder.description())
    }

    /// The code of a method, before it is described.
    pub(crate) fn unnamed(code: MethodCode, checksum: String) -> Self {
        Self { code, checksum, description: Value::Null }
    }

    /// The library with a description.
    ///
    /// # Errors
    ///
    /// [`Error::Plugin`] if the description names no method, or one whose name cannot be that of a row.
    pub(crate) fn described(&self, description: Value) -> Result<Self> {
        let refuse = |reason: String| Error::Plugin { path: self.path().to_owned(), reason };
        let library = Self { description: plain_strings(description), ..self.clone() };
        let name = library.name();
        if name.is_empty() {
            return Err(refuse("its description names no method".into()));
        }
        if !is_plain_name(name) || name.contains(|c: char| c.is_ascii_uppercase()) {
            let start: String = name.chars().take(64).collect();
            return Err(refuse(format!(
                "its method is called {start:?}; expected {PLAIN_NAME}, in lower case, because the name is that of a folder and of a row"
            )));
        }
        Ok(library)
    }

    /// Where its code is.
    pub fn code(&self) -> &MethodCode {
        &self.code
    }

    /// What its author knows it by: the library's file, or the folder of a method in another process.
    pub fn path(&self) -> &Path {
        self.code.folder.as_deref().unwrap_or(&self.code.library)
    }

    /// The encoder of a cell of this method.
    pub(crate) fn encoder(&self, name: &str, config: Value, initialisation: Initialisation) -> EncoderSpec {
        let MethodCode { library, folder } = self.code.clone();
        EncoderSpec::Plugin {
            name: name.to_owned(),
            library,
            folder,
            checksum: self.checksum.clone(),
            config,
            initialisation,
        }
    }

    /// BLAKE3 of its code, in hexadecimal.
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
