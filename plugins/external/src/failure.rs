//! Why a call fails.

use physrep_abi::{ErrorCode, PluginError};

/// The result of this crate's functions.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// A failed call: its kind, and one sentence for the method's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub code: ErrorCode,
    pub message: String,
}

impl Failure {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The program did not keep to the protocol, or the system refused something.
    pub(crate) fn method(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::METHOD, message)
    }
}

impl From<Failure> for PluginError {
    fn from(failure: Failure) -> Self {
        Self { code: failure.code, message: failure.message.into(), detail: Default::default() }
    }
}
