//! Why a run's files cannot be read or written.

use std::{io, path::PathBuf};

use physrep_benchmarks::advice;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a run's files cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder cannot be read or written.
    #[error("{path}: {source}{advice}", path = path.display(), advice = advice(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file does not have the expected content.
    #[error("{path}: {reason}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
    /// A file is not what was written: bits were flipped, it was cut off, or someone changed it.
    #[error("{path}: {reason}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// A folder is locked by another process.
    #[error("{path}: {reason}", path = path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// Who may hold it, and what to do.
        reason: String,
    },
    /// The request is wrong: it names something that does not exist or cannot be shown.
    #[error("{0}")]
    Usage(String),
}

impl Error {
    /// Turns an I/O error into one that names `path`; for `map_err`.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
