//! The sources that methods are built from: the SDK, and the bundled methods. They are those of the checkout that encloses the working
//! directory, or those that this program carries, unpacked into a folder of the user.

mod manifest;

use std::{
    fs, io, iter,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use tar::Archive;

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

    /// The sources that this program carries. Another program has another folder, and two processes may unpack at once.
    fn unpacked() -> Result<Self> {
        let digest: String = Sha256::digest(PACKED).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{}-{digest}", env!("CARGO_PKG_VERSION"));
        let folder = places::of_user()?.join("sdk");
        let root = folder.join(name);
        if !root.is_dir() {
            fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
            let unpacked = tempfile::tempdir_in(&folder).map_err(Error::io(&folder))?;
            unpack(unpacked.path()).map_err(Error::io(unpacked.path()))?;
            match fs::rename(unpacked.path(), &root) {
                Err(_) if root.is_dir() => {} // another process was faster
                renamed => renamed.map_err(Error::io(&root))?,
            }
        }
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

/// The same error with its causes: those of `tar` say what could not be written, but not why.
fn with_causes(error: io::Error) -> io::Error {
    let causes = iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let text = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    io::Error::new(error.kind(), text)
}

fn unpack(folder: &Path) -> io::Result<()> {
    Archive::new(GzDecoder::new(PACKED)).unpack(folder).map_err(with_causes)?;
    let path = folder.join("Cargo.toml");
    let manifest = manifest::of_methods(&fs::read_to_string(&path)?).map_err(io::Error::other)?;
    fs::write(path, manifest)
}
