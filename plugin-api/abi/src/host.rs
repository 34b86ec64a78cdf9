//! What the host offers to a session while it lives.

use abi_stable::{StableAbi, std_types::RStr};

/// How important a log line is.
#[repr(u8)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Something is likely wrong.
    Warn,
    /// Worth reading.
    Info,
    /// For the method's author.
    Debug,
}

/// Callbacks into the host. All are safe to call from any thread, return at once and never unwind.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct Host {
    /// Handed back to the host with every call; valid until the session is destroyed.
    pub context: *const (),
    /// Writes a line to the cell's log.
    pub log: extern "C" fn(context: *const (), level: LogLevel, message: RStr<'_>),
    /// Records a value of a curve at a pretraining step.
    pub metric: extern "C" fn(context: *const (), name: RStr<'_>, step: u64, value: f64),
    /// Whether the run is being stopped. Long operations ask and return an error soon after it turns true.
    pub cancelled: extern "C" fn(context: *const ()) -> bool,
}

// SAFETY: the contract above: callbacks may be called from any thread.
unsafe impl Send for Host {}
unsafe impl Sync for Host {}
