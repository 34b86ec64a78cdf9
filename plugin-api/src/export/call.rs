//! How every exported function runs: errors and panics become the ABI's error, and nothing unwinds into the host.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use abi_stable::std_types::{RErr, ROk, RString};
use physrep_abi::{BatchView, ErrorCode, OwnedTensor, PluginError, PluginResult, SessionHandle};
use physrep_nn::on_compute_threads;

use crate::{Batch, Method, Result, Tensor, session::Session, tensor};

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

/// Runs `operation` on the session behind `handle`, on the compute threads if it is on the CPU.
pub(super) fn with_session<M: Method, T: Send>(
    operation: &str,
    handle: SessionHandle,
    run: impl FnOnce(&mut Session<M>) -> Result<T> + Send,
) -> PluginResult<T> {
    guarded(operation, || on_session(handle, run))
}

/// As [`with_session`], with a batch that is copied to the session's device first.
pub(super) fn with_batch<M: Method, T: Send>(
    operation: &str,
    handle: SessionHandle,
    view: &BatchView<'_>,
    run: impl FnOnce(&mut Session<M>, &Batch) -> Result<T> + Send,
) -> PluginResult<T> {
    guarded(operation, || on_batch(handle, view, run))
}

/// As [`with_batch`], for an operation that returns a tensor to the host.
pub(super) fn tensor_with_batch<M: Method>(
    operation: &str,
    handle: SessionHandle,
    view: &BatchView<'_>,
    run: impl FnOnce(&mut Session<M>, &Batch) -> Result<Tensor> + Send,
) -> PluginResult<OwnedTensor> {
    guarded(operation, || tensor::into_owned(&on_batch(handle, view, run)?))
}

fn on_batch<M: Method, T: Send>(
    handle: SessionHandle,
    view: &BatchView<'_>,
    run: impl FnOnce(&mut Session<M>, &Batch) -> Result<T> + Send,
) -> Result<T> {
    let clips = tensor::from_view(&view.clips, session::<M>(handle).device())?;
    let batch = Batch { clips, system: view.system as usize };
    on_session(handle, |session| run(session, &batch))
}

pub(super) fn on_session<M: Method, T: Send>(
    handle: SessionHandle,
    run: impl FnOnce(&mut Session<M>) -> Result<T> + Send,
) -> Result<T> {
    let session = session::<M>(handle);
    // A GPU's context belongs to the thread that the host calls on.
    if session.device().is_cpu() { on_compute_threads(|| run(session)) } else { run(session) }
}

/// The session behind a handle, for the one call that has it.
pub(super) fn session<'a, M: Method>(handle: SessionHandle) -> &'a mut Session<M> {
    // SAFETY: by the ABI's rules the handle came from this method's `create`, was not destroyed, and one thread at a
    // time calls with it. Exported functions keep the reference no longer than their call.
    unsafe { &mut *handle.0.cast::<Session<M>>() }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}
