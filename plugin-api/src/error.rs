//! What can go wrong in a method.

use physrep_abi::{ErrorCode, PluginError};

/// An error of a method: a kind, for the host, and a sentence, for the reader of the table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tensor operation failed.
    #[error("{0}")]
    Tensor(#[from] candle_core::Error),
    /// The configuration cannot be used; the text says which value, and what would do.
    #[error("{0}")]
    Config(String),
    /// The method cannot do what was asked of it.
    #[error("{0}")]
    Unsupported(String),
    /// The loss or an embedding is not finite.
    #[error("{0}")]
    Diverged(String),
    /// A checkpoint does not fit.
    #[error("{0}")]
    State(String),
    /// Anything else.
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
            Error::State(_) => ErrorCode::STATE,
            Error::Tensor(_) | Error::Other(_) => ErrorCode::METHOD,
        };
        // candle appends a backtrace to its message where RUST_BACKTRACE asks for one.
        let text = error.to_string();
        let (message, detail) = text.split_once('\n').unwrap_or((&text, ""));
        PluginError { code, message: message.trim().into(), detail: detail.into() }
    }
}
