//! The sources that methods are built from: the SDK, and the bundled methods. They are those of the checkout that encloses the working
//! directory, or those that this program carries, unpacked into a folder of the user.

mod manifest;

use std::{
    fs,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use physrep_runner::{unpack_once, user_folder};
use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Result},
    places,
};

/// The sources, packed when this program was built.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sdk.tar.gz"));

/// The folder of the sources.
#[derive(Clone, Debug)]
pub struct Sdk {
    root: PathBuf,
}

impl Sdk {
    /// The sources of the checkout that encloses the working directory; without one, those of this program, unpacked if they are not yet.
    ///
    /// # Errors
    ///
    /// If they cannot be unpacked.
    pub fn find() -> Result<Self> {
        match places::checkout() {
            Some(root) => Ok(Self { root }),
            None => Self::unpacked(),
        }
    }

    /// The sources that this program carries. Another program has another folder.
    fn unpacked() -> Result<Self> {
        let digest: String = Sha256::digest(PACKED).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{}-{digest}", env!("CARGO_PKG_VERSION"));
        let root = user_folder()?.join("sdk").join(name);
        unpack_once(&root, GzDecoder::new(PACKED), for_methods)?;
        Ok(Self { root })
    }

    /// The root folder, an absolute path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the bundled methods.
    pub fn methods(&self) -> PathBuf {
        self.root.join("plugins")
    }

    /// The settings of the release profile that methods are built with, as lines of a `Cargo.toml`. With the same settings, builds share
    /// their dependencies.
    ///
    /// # Errors
    ///
    /// If the sources have no valid `Cargo.toml`.
    pub fn profile(&self) -> Result<String> {
        let path = self.root.join("Cargo.toml");
        let text = fs::read_to_string(&path).map_err(Error::io(&path))?;
        manifest::profile(&text).map_err(|reason| Error::file(path, reason))
    }
}

/// Makes the unpacked sources a workspace of methods.
fn for_methods(folder: &Path) -> Result<()> {
    let path = folder.join("Cargo.toml");
    let text = fs::read_to_string(&path).map_err(Error::io(&path))?;
    let manifest = manifest::of_methods(&text).map_err(|reason| Error::file(&path, reason))?;
    fs::write(&path, manifest).map_err(Error::io(&path))
}
