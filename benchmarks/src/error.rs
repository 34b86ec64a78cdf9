//! Everything that can go wrong with suites and data, said so that the reader knows what to do next.

use std::io;
use std::path::{Path, PathBuf};

/// This crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. Every message is one line and names the file or the setting it is about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb: `read`, `create`, `rename`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file is not what its reader needs.
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
    /// The HDF5 library could not read or write something.
    #[error("{}: cannot {action}: {reason}", path.display())]
    Hdf5 {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: String,
        /// The library's reason.
        reason: String,
    },
    /// A suite does not say something that can be run.
    #[error("suite {suite}: {reason}")]
    Suite {
        /// The suite's name or file.
        suite: String,
        /// What is wrong with which setting, and what would be right.
        reason: String,
    },
    /// There is no such physical system.
    #[error("there is no system `{name}`; there is {known}")]
    System {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// A folder holds other data than was asked for.
    #[error("{}: {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What it holds, what was wanted, and what to do.
        reason: String,
    },
    /// A solver gave up or gave something other than finite frames of the promised shape.
    #[error("{system} ({case}): {reason}")]
    Simulation {
        /// The system's name.
        system: String,
        /// The trajectory's parameters and initial condition.
        case: String,
        /// What happened and what to change.
        reason: String,
    },
    /// A request that lies outside the data.
    #[error("{}: {reason}", path.display())]
    Request {
        /// The file that was asked.
        path: PathBuf,
        /// What was asked and what there is.
        reason: String,
    },
    /// The caller's progress callback asked to stop.
    #[error("stopped on request; finished trajectories are kept, run the same command again to go on")]
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
            place: one_line(place.into()),
            expected: one_line(expected.into()),
            found: one_line(found.into()),
        }
    }

    pub(crate) fn folder(path: &Path, reason: impl Into<String>) -> Self {
        Self::Folder { path: path.into(), reason: reason.into() }
    }

    pub(crate) fn request(path: &Path, reason: impl Into<String>) -> Self {
        Self::Request { path: path.into(), reason: reason.into() }
    }
}

/// The most characters of one part of a message.
const LONGEST: usize = 300;

/// Names in a file are whatever its writer wanted them to be: a message shows them on one line, without what would steer a
/// terminal, and not for ever.
pub(crate) fn one_line(text: String) -> String {
    if text.len() <= LONGEST && !text.contains(char::is_control) {
        return text;
    }
    let shown = text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c });
    let more = if text.chars().nth(LONGEST).is_some() { "..." } else { "" };
    shown.collect::<String>() + more
}

/// Names the file and the action of an operating-system error.
pub(crate) trait IoContext<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io { action, path: path.into(), source })
    }
}
