//! How a plugin says that something went wrong.

use abi_stable::{
    StableAbi,
    std_types::{RResult, RString},
};

/// What kind of failure it was. A number rather than an enum, so that new kinds do not change the layout.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode(pub u32);

impl ErrorCode {
    /// An error of the method's own, or of the tensor library under it.
    pub const METHOD: Self = Self(1);
    /// The configuration was refused.
    pub const CONFIG: Self = Self(2);
    /// The method does not support what was asked of it (a device, a shape, an operation).
    pub const UNSUPPORTED: Self = Self(3);
    /// The loss or an embedding is not finite.
    pub const DIVERGED: Self = Self(4);
    /// A saved state does not fit this session.
    pub const STATE: Self = Self(5);
    /// The method panicked; the message is the panic's.
    pub const PANIC: Self = Self(6);
}

/// A failure: what was being done, what was expected and what came.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct PluginError {
    /// The kind of failure.
    pub code: ErrorCode,
    /// One sentence for the reader of the table.
    pub message: RString,
    /// More for the log, such as a backtrace; may be empty.
    pub detail: RString,
}

/// What every fallible function of an interface returns.
pub type PluginResult<T> = RResult<T, PluginError>;
