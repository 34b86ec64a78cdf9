//! What the host offers to a session.

use abi_stable::{StableAbi, std_types::RStr};

/// The severity of a log line.
#[repr(u8)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Something is probably wrong.
    Warn,
    /// Worth reading.
    Info,
    /// For the method's author.
    Debug,
}

/// Callbacks into the host. All may be called from any thread while the session lives; they return at once and never
/// unwind.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct HostCallbacks {
    /// Passed back to the host with every call; valid until the session is destroyed.
    pub context: *const (),
    /// Writes a line to the cell's log.
    pub log: extern "C" fn(context: *const (), level: LogLevel, message: RStr<'_>),
    /// Records the value of a named curve at a pretraining step.
    pub metric: extern "C" fn(context: *const (), name: RStr<'_>, step: u64, value: f64),
    /// Whether the run is being stopped. Long operations poll it and return an error soon after it turns true.
    pub cancelled: extern "C" fn(context: *const ()) -> bool,
}

// SAFETY: the host promises that the callbacks may be called, with this context, from any thread.
unsafe impl Send for HostCallbacks {}
// SAFETY: as above.
unsafe impl Sync for HostCallbacks {}
