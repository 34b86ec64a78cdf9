//! Why a run, or one of its parts, fails.

use std::{io, path::PathBuf};

use physrep_benchmarks::printable::one_line;

use crate::events::Phase;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a run, or one of its parts, fails: what was expected, what was found, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A library cannot be used as a plugin.
    #[error("plugin {path}: {reason}", path = path.display())]
    Plugin {
        /// The library.
        path: PathBuf,
        /// Why, and what its author can do.
        reason: String,
    },
    /// A plugin crate does not build.
    #[error("plugin crate {path} does not build: {reason}", path = path.display())]
    Build {
        /// The crate's folder.
        path: PathBuf,
        /// The end of cargo's output.
        reason: String,
    },
    /// The probe library cannot be used, or a fit in it failed.
    #[error("probe library {path}: {reason}", path = path.display())]
    ProbeLibrary {
        /// The library.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// A method reported an error or broke the contract of the ABI.
    #[error("{method}: {message}")]
    Method {
        /// The method's name.
        method: String,
        /// The method's own message, or what it violated.
        message: String,
    },
    /// A method refuses a request with a reason: its configuration, or a grid that it cannot cut into patches.
    #[error("{method}: {message}")]
    Refused {
        /// The method's name.
        method: String,
        /// The method's own message.
        message: String,
    },
    /// The process of a method ended, or was ended.
    #[error("its process died{} ({how}){log}", phase.map(|phase| format!(" in {}", phase.name())).unwrap_or_default())]
    MethodDied {
        /// How.
        how: String,
        /// In which phase of its cell, if it had one.
        phase: Option<Phase>,
        /// The last line of the cell's log, to append; empty without one.
        log: String,
    },
    /// A batch cannot be copied to the GPU.
    #[error("a batch cannot be copied to the GPU: {0}; what the method did there before may be the cause")]
    Device(String),
    /// This process was asked to stop.
    #[error("interrupted; run the same command again to resume")]
    Interrupted,
    /// The request is wrong: it names something that does not exist, or a value outside its range.
    #[error("{0}")]
    Usage(String),
    /// A suite, a data file or a solver failed.
    #[error(transparent)]
    Data(#[from] physrep_benchmarks::Error),
    /// A probe failed.
    #[error(transparent)]
    Evaluation(#[from] physrep_evaluation::Error),
    /// A file of a run cannot be read or written.
    #[error(transparent)]
    Records(#[from] physrep_records::Error),
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

    /// An error of the method `name`, in its own [words](plain).
    pub(crate) fn method(name: &str, message: &str) -> Self {
        Self::Method { method: name.to_owned(), message: plain(message) }
    }

    /// Whether the request was wrong, rather than the run failing.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Usage(_) | Self::Records(physrep_records::Error::Usage(_)))
    }
}

/// The beginning of a text of others, without characters that control a terminal: it will be in tables and messages.
pub(crate) fn plain(text: &str) -> String {
    const LENGTH: usize = 1000;
    let (beginning, rest) = match text.char_indices().nth(LENGTH) {
        Some((end, _)) => (text[..end].trim_end(), " [...]"),
        None => (text, ""),
    };
    one_line(beginning) + rest
}

impl From<physrep_statistics::Error> for Error {
    fn from(error: physrep_statistics::Error) -> Self {
        Self::Evaluation(error.into())
    }
}

impl From<candle_core::Error> for Error {
    /// This crate computes with tensors only in probes and heads.
    fn from(error: candle_core::Error) -> Self {
        Self::Evaluation(error.into())
    }
}
