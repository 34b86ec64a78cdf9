//! How every exported function runs: errors and panics become the ABI's error, and nothing unwinds into the host.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use abi_stable::std_types::{RErr, ROk, RString};
use physrep_abi::{BatchView, ErrorCode, PluginError, PluginResult, SessionHandle};

use crate::{Batch, Method, Result, session::Session, tensor};

/// Runs `operation`, whose name a panic's message carries.
pub(super) fn guarded<T>(operation: &str, run: impl FnOnce() -> Result<T>) -> PluginResult<T> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => ROk(value),
        Ok(Err(error)) => RErr(error.into()),
        Err(panic) => RErr(PluginError {
            code: ErrorCode::PANIC,
            message: format!("panicked in {operation}: {}", panic_text(&*panic)).into(),
            detail: RString::new(),
        }),
    }
}

/// Runs `operation` on the session behind `handle`.
pub(super) fn with_session<M: Method, T>(
    operation: &str,
    handle: SessionHandle,
    run: impl FnOnce(&mut Session<M>) -> Result<T>,
) -> PluginResult<T> {
    guarded(operation, || {
        // SAFETY: by the ABI's rules the handle came from this method's `create`, was not destroyed, and one thread at a
        // time calls with it.
        run(unsafe { &mut *handle.0.cast::<Session<M>>() })
    })
}

/// As [`with_session`], with a batch that is copied to the session's device first.
pub(super) fn with_batch<M: Method, T>(
    operation: &str,
    handle: SessionHandle,
    view: &BatchView<'_>,
    run: impl FnOnce(&mut Session<M>, &Batch) -> Result<T>,
) -> PluginResult<T> {
    with_session(operation, handle, |session| {
        let clips = tensor::from_view(&view.clips, session.device())?;
        run(session, &Batch { clips, system: view.system as usize })
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}
