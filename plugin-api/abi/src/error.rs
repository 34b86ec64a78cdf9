//! How a plugin reports a failure.

use abi_stable::{
    StableAbi,
    std_types::{RResult, RString},
};

/// The kind of failure. An integer rather than an enum, so that new kinds do not change the layout.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode(pub u32);

impl ErrorCode {
    /// An error of the method itself, or of its tensor library.
    pub const METHOD: Self = Self(1);
    /// The configuration is invalid.
    pub const CONFIG: Self = Self(2);
    /// The method does not support the request: a device, a shape, an operation, an order of calls.
    pub const UNSUPPORTED: Self = Self(3);
    /// The loss or an embedding is not finite.
    pub const DIVERGED: Self = Self(4);
    /// A checkpoint does not fit this session.
    pub const CHECKPOINT: Self = Self(5);
    /// The method panicked; the message is the panic's.
    pub const PANIC: Self = Self(6);
}

/// A failure: the operation, what was expected, and what came.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct PluginError {
    /// The kind of failure.
    pub code: ErrorCode,
    /// One sentence, shown in the method's row of the table.
    pub message: RString,
    /// More for the log, such as a backtrace; may be empty.
    pub detail: RString,
}

/// The result of every fallible function of an interface.
pub type PluginResult<T> = RResult<T, PluginError>;
