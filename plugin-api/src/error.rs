//! Errors of a method.

use physrep_abi::{ErrorCode, PluginError};

/// An error of a method: its kind, and one sentence, which is shown in the method's row of the table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tensor operation failed.
    #[error("{0}")]
    Tensor(#[from] candle_core::Error),
    /// The configuration is invalid; the text names the key, its value, and what is allowed.
    #[error("{0}")]
    Config(String),
    /// The method does not support the request.
    #[error("{0}")]
    Unsupported(String),
    /// The loss or an embedding is not finite.
    #[error("{0}")]
    Diverged(String),
    /// A checkpoint does not fit.
    #[error("{0}")]
    Checkpoint(String),
    /// Any other error.
    #[error("{0}")]
    Other(String),
}

/// The result of a method's functions.
pub type Result<T> = std::result::Result<T, Error>;

impl From<String> for Error {
    fn from(message: String) -> Self {
        Self::Other(message)
    }
}

impl From<&str> for Error {
    fn from(message: &str) -> Self {
        Self::Other(message.into())
    }
}

impl From<Error> for PluginError {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::Config(_) => ErrorCode::CONFIG,
            Error::Unsupported(_) => ErrorCode::UNSUPPORTED,
            Error::Diverged(_) => ErrorCode::DIVERGED,
            Error::Checkpoint(_) => ErrorCode::CHECKPOINT,
            Error::Tensor(_) | Error::Other(_) => ErrorCode::METHOD,
        };
        // candle appends a backtrace to its message if RUST_BACKTRACE is set.
        let text = error.to_string();
        let (message, detail) = text.split_once('\n').unwrap_or((&text, ""));
        PluginError { code, message: message.trim().into(), detail: detail.into() }
    }
}
