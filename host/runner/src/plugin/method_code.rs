//! Where the code of a method is.

use std::path::PathBuf;

use physrep_records::files;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::method_folder::MethodFolder;
use crate::{error::Result, sandbox::Access};

/// Where the code of a method is: a library, which for a method in another process starts the program in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodCode {
    /// The library.
    pub library: PathBuf,
    /// The folder of a method in another process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
}

impl MethodCode {
    /// The folder of a method in another process.
    ///
    /// # Errors
    ///
    /// If its settings cannot be read.
    pub(crate) fn method_folder(&self) -> Result<Option<MethodFolder>> {
        self.folder.as_deref().map(MethodFolder::read).transpose()
    }

    /// BLAKE3 of the library, or of the checksums of the library and of the folder, in hexadecimal.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub(crate) fn checksum(&self) -> Result<String> {
        let library = files::checksum(&self.library)?;
        Ok(match self.method_folder()? {
            None => library,
            Some(folder) => blake3::hash(format!("{library} {}", folder.checksum()?).as_bytes()).to_hex().to_string(),
        })
    }

    /// The configuration of a session: the method's own, or for a method in another process one that names its program, too.
    ///
    /// # Errors
    ///
    /// If the settings of the folder cannot be read.
    pub(crate) fn session_config(&self, config: &Value) -> Result<Value> {
        Ok(self.method_folder()?.map_or_else(|| config.clone(), |folder| folder.session_config(config)))
    }

    /// What its process may read: the library, and the folder with its program.
    ///
    /// # Errors
    ///
    /// If the settings of the folder cannot be read.
    pub(crate) fn access(&self) -> Result<Access> {
        let mut access = Access::to_library(&self.library);
        if let Some(folder) = self.method_folder()? {
            access.readable.push(folder.path().to_owned());
            access.programs.extend(folder.program());
        }
        Ok(access)
    }
}
