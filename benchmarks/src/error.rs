//! Errors of suites and data. A message says what was expected, what came, where, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use crate::printable::cut_line;

/// This crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation failed. Every message is one line and names the file or the setting it is about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}{}", path.display(), advice(source))]
    Io {
        /// What failed, as a verb: `read`, `create`, `rename`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {place}: expected {expected}, found {found}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        place: String,
        /// What the format asks for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A file is not what was written: bits were flipped, it was cut off, or someone changed it.
    #[error("{}: {place} is damaged or was changed: its checksum does not fit; {advice}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        place: String,
        /// What to do.
        advice: String,
    },
    /// The HDF5 library could not read or write something.
    #[error("{}: cannot {action}: {}{}", path.display(), one_line(source), source.downcast_ref().map_or("", advice))]
    Hdf5 {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: String,
        /// The library's reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A suite that cannot be run.
    #[error("suite {suite}: {reason}")]
    Suite {
        /// The suite's name or file.
        suite: String,
        /// Which setting is invalid, why, and what would be valid.
        reason: String,
    },
    /// There is no such physical system.
    #[error("there is no system `{name}`{meant}; there is {known}")]
    System {
        /// The name that was given.
        name: String,
        /// ` (did you mean NAME?)`, if a known name is alike.
        meant: String,
        /// The known names.
        known: String,
    },
    /// A folder that holds other data than expected.
    #[error("{}: {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What it holds, what was expected, and what to do.
        reason: String,
    },
    /// A solver that failed, or whose frames are not finite or not of the expected shape.
    #[error("{system} ({case}): {reason}")]
    Simulation {
        /// The system's name.
        system: String,
        /// The trajectory's parameters and initial condition.
        case: String,
        /// What happened and what to change.
        reason: String,
    },
    /// A request for data that is not there.
    #[error("{}: {reason}", path.display())]
    Request {
        /// The file.
        path: PathBuf,
        /// What was requested and what there is.
        reason: String,
    },
    /// The caller's progress callback asked to stop.
    #[error("stopped on request; finished trajectories are kept, run the same command again to resume")]
    Stopped,
}

impl Error {
    pub(crate) fn format(
        path: &Path,
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::Format {
            path: path.into(),
            place: printable(place.into()),
            expected: printable(expected.into()),
            found: printable(found.into()),
        }
    }

    pub(crate) fn folder(path: &Path, reason: impl Into<String>) -> Self {
        Self::Folder { path: path.into(), reason: reason.into() }
    }

    pub(crate) fn request(path: &Path, reason: impl Into<String>) -> Self {
        Self::Request { path: path.into(), reason: reason.into() }
    }
}

/// What to do about an error of the operating system, after its message; nothing for most.
pub fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space, and run the same command again"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "; choose a folder that can be written, with an option such as --out or --data"
        }
        _ => "",
    }
}

/// The most characters of one part of a message.
const LONGEST: usize = 300;

/// Text from a file as a message shows it.
pub(crate) fn printable(text: String) -> String {
    cut_line(&text, LONGEST)
}

/// The message of an error on one line: HDF5's have several.
pub(crate) fn one_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().replace('\n', " ")
}

/// Adds the file and the action to an error of the operating system.
pub(crate) trait IoContext<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io { action, path: path.into(), source })
    }
}
