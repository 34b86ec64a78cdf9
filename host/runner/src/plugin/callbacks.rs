//! Callbacks of a plugin into this program: its log, its metrics, and whether it should stop.

use abi_stable::std_types::RStr;
use physrep_abi::{HostCallbacks, LogLevel};

/// What the host does when a plugin calls back. Plugins may call from any thread.
pub trait Callbacks: Sync {
    /// Logs a line.
    fn log(&self, level: LogLevel, message: &str);
    /// Records the value of a training curve at a pretraining step.
    fn metric(&self, name: &str, step: u64, value: f64);
    /// Whether the run is to stop.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Logs a line of a method.
pub(crate) fn log_method(level: LogLevel, message: &str) {
    let level = match level {
        LogLevel::Warn => log::Level::Warn,
        LogLevel::Info => log::Level::Info,
        LogLevel::Debug => log::Level::Debug,
    };
    log::log!(level, "{message}");
}

/// The context that a plugin passes to every callback. The plugin holds its address, so it must not move.
pub(super) struct CallbackContext<'a>(pub(super) &'a dyn Callbacks);

impl CallbackContext<'_> {
    /// The table of functions that a plugin calls, valid as long as `self` lives and does not move.
    pub(super) fn host_callbacks(&self) -> HostCallbacks {
        HostCallbacks { context: (&raw const *self).cast(), log, metric, cancelled }
    }
}

/// The callbacks behind the context of [`CallbackContext::host_callbacks`].
///
/// # Safety
///
/// The session that was created with `context` is alive.
unsafe fn callbacks<'a>(context: *const ()) -> &'a dyn Callbacks {
    // SAFETY: a context lives as long as its session, which the caller promises to be alive.
    unsafe { (*context.cast::<CallbackContext<'a>>()).0 }
}

extern "C" fn log(context: *const (), level: LogLevel, message: RStr<'_>) {
    // SAFETY: plugins call back only while their session is alive.
    unsafe { callbacks(context) }.log(level, message.as_str());
}

extern "C" fn metric(context: *const (), name: RStr<'_>, step: u64, value: f64) {
    // SAFETY: plugins call back only while their session is alive.
    unsafe { callbacks(context) }.metric(name.as_str(), step, value);
}

extern "C" fn cancelled(context: *const ()) -> bool {
    // SAFETY: plugins call back only while their session is alive.
    unsafe { callbacks(context) }.cancelled()
}
