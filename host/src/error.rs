//! Why a command fails.

use std::{io, path::PathBuf};

/// The result of the program's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a command fails: what was expected, what was found, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line names something that does not exist, or a value outside its range.
    #[error("{0}")]
    Usage(String),
    /// A file of the hub cannot be downloaded.
    #[error("{what}: {reason}")]
    Download {
        /// The data set or file on the hub.
        what: String,
        /// What was expected, what was found, and what to do.
        reason: String,
    },
    /// A suite, a data file or a solver failed.
    #[error(transparent)]
    Data(#[from] physrep_benchmarks::Error),
    /// A file of a run cannot be read or written.
    #[error(transparent)]
    Records(#[from] physrep_records::Error),
    /// A run, or one of its parts, failed.
    #[error(transparent)]
    Runner(#[from] physrep_runner::Error),
    /// A table, page or picture cannot be created.
    #[error(transparent)]
    Report(#[from] physrep_report::Error),
}

impl Error {
    /// Turns an I/O error into one that names `path`; for `map_err`.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Records(physrep_records::Error::Io { path, source })
    }

    /// An error about the content of a file.
    pub fn file(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Records(physrep_records::Error::File { path: path.into(), reason: reason.into() })
    }

    /// Whether the request was wrong, rather than the work failing.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Usage(_) | Self::Records(physrep_records::Error::Usage(_)) => true,
            Self::Runner(error) => error.is_usage(),
            Self::Report(error) => matches!(
                error,
                physrep_report::Error::Usage(_) | physrep_report::Error::Records(physrep_records::Error::Usage(_))
            ),
            Self::Download { .. } | Self::Data(_) | Self::Records(_) => false,
        }
    }
}
