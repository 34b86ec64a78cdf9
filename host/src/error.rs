//! Everything that can go wrong in the host.

use std::{io, path::PathBuf};

/// An error of the host: what was being done, what was expected, what came, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path}: {reason}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// A library cannot be used as a plugin.
    #[error("plugin {path}: {reason}", path = path.display())]
    Plugin {
        /// The library.
        path: PathBuf,
        /// Why, and what its author can do.
        reason: String,
    },
    /// A file of the hub cannot be had.
    #[error("{what}: {reason}")]
    Download {
        /// The data set or file on the hub.
        what: String,
        /// What was expected, what came, and what to do.
        reason: String,
    },
    /// A plugin crate does not build.
    #[error("plugin crate {path} does not build: {reason}", path = path.display())]
    Build {
        /// The crate's folder.
        path: PathBuf,
        /// The end of what cargo said.
        reason: String,
    },
    /// A method reported an error or broke a promise of the interface.
    #[error("{method}: {message}")]
    Method {
        /// The method's name.
        method: String,
        /// Its own words, or what it broke.
        message: String,
    },
    /// A batch does not reach the card.
    #[error("a batch cannot be copied to the card: {0}; what the method did there before may be the cause")]
    Card(String),
    /// The work was asked to stop.
    #[error("interrupted; the same command goes on")]
    Interrupted,
    /// The command line asks for something that does not exist.
    #[error("{0}")]
    Usage(String),
    /// A suite, a data file or a solver failed.
    #[error(transparent)]
    Data(#[from] physrep_benchmarks::Error),
    /// A probe failed.
    #[error(transparent)]
    Probe(#[from] crate::probe::Error),
}

impl From<candle_core::Error> for Error {
    /// The host computes with tensors in probes alone.
    fn from(error: candle_core::Error) -> Self {
        Self::Probe(error.into())
    }
}

/// The result of the host's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Turns an I/O error into one that names `path`; for `map_err`.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
