//! The functions of the ABI: errors and panics become the ABI's error, and nothing unwinds into the host.

use std::panic::{AssertUnwindSafe, catch_unwind};

use abi_stable::std_types::{RErr, ROk, RSlice, RString, RVec};
use physrep_abi::{
    BatchView, CreateArgs, DType, Device, ErrorCode, FineTuneArgs, FineTuneV1, LoadScope, MethodV1, OwnedTensor,
    Parameter, PluginError, PluginResult, SessionHandle, StepReport, TensorView,
};

use crate::{
    failure::Result,
    session::{Embeddings, Session},
};

pub(crate) static METHOD: MethodV1 = MethodV1 { create, pretrain_step, encode, save, load, parameters, destroy };
pub(crate) static FINETUNE: FineTuneV1 = FineTuneV1 { begin, encode_forward, encode_backward, apply_gradients };

/// Runs `operation`, whose name a panic's message carries.
fn guarded<T>(operation: &str, run: impl FnOnce() -> Result<T>) -> PluginResult<T> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => ROk(value),
        Ok(Err(failure)) => RErr(failure.into()),
        Err(_) => RErr(PluginError {
            code: ErrorCode::PANIC,
            message: format!("physrep-external panicked in {operation}; its log says why").into(),
            detail: RString::new(),
        }),
    }
}

/// The session behind a handle, for the one call that has it.
fn session<'a>(handle: SessionHandle) -> &'a mut Session {
    // SAFETY: by the ABI's rules the handle came from `create`, was not destroyed, and one thread at a time calls with it.
    unsafe { &mut *handle.0.cast::<Session>() }
}

extern "C" fn create(args: &CreateArgs<'_>) -> PluginResult<SessionHandle> {
    guarded("create", || Ok(SessionHandle(Box::into_raw(Box::new(Session::create(args)?)).cast())))
}

extern "C" fn pretrain_step(handle: SessionHandle, batch: &BatchView<'_>) -> PluginResult<StepReport> {
    guarded("pretrain_step", || session(handle).pretrain_step(batch))
}

extern "C" fn encode(handle: SessionHandle, batch: &BatchView<'_>) -> PluginResult<OwnedTensor> {
    guarded("encode", || session(handle).encode(batch).map(owned))
}

extern "C" fn save(handle: SessionHandle) -> PluginResult<RVec<u8>> {
    guarded("save", || session(handle).save().map(Into::into))
}

extern "C" fn load(handle: SessionHandle, file: RSlice<'_, u8>, scope: LoadScope) -> PluginResult<()> {
    guarded("load", || session(handle).load(file.as_slice(), scope))
}

extern "C" fn parameters(handle: SessionHandle) -> PluginResult<RVec<Parameter>> {
    guarded("parameters", || session(handle).parameters().map(Into::into))
}

extern "C" fn destroy(handle: SessionHandle) {
    // A panic while dropping cannot be reported; it must not unwind into the host.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: `create` leaked this box, and the host destroys a session once, last.
        drop(unsafe { Box::from_raw(handle.0.cast::<Session>()) });
    }));
}

extern "C" fn begin(handle: SessionHandle, args: &FineTuneArgs) -> PluginResult<()> {
    guarded("begin", || session(handle).begin_finetuning(args))
}

extern "C" fn encode_forward(handle: SessionHandle, batch: &BatchView<'_>) -> PluginResult<OwnedTensor> {
    guarded("encode_forward", || session(handle).encode_forward(batch).map(owned))
}

extern "C" fn encode_backward(handle: SessionHandle, gradient: &TensorView<'_>) -> PluginResult<()> {
    guarded("encode_backward", || session(handle).encode_backward(gradient))
}

extern "C" fn apply_gradients(handle: SessionHandle, learning_rate: f64) -> PluginResult<()> {
    guarded("apply_gradients", || session(handle).apply_gradients(learning_rate))
}

/// Embeddings as a tensor that the host releases.
fn owned(Embeddings { values, shape: [b, n, d] }: Embeddings) -> OwnedTensor {
    extern "C" fn release(owner: *mut ()) {
        // SAFETY: the box that is leaked below; `release` is called once.
        drop(unsafe { Box::from_raw(owner.cast::<Vec<f32>>()) });
    }
    let values = Box::new(values);
    let data = values.as_ptr().cast();
    let [b, n, d] = [b, n, d].map(|length| length as i64);
    OwnedTensor {
        data,
        device: Device::CPU,
        dtype: DType::F32,
        shape: [b, n, d].as_slice().into(),
        strides: [n * d, d, 1].as_slice().into(),
        byte_offset: 0,
        ready_event: 0,
        owner: Box::into_raw(values).cast(),
        release,
    }
}
