//! The functions of [`MethodV1`] for a [`Method`].

use std::panic::{AssertUnwindSafe, catch_unwind};

use abi_stable::std_types::{RSlice, RVec};
use physrep_abi::{
    BatchView, CreateArgs, LoadScope, MethodV1, OwnedTensor, Parameter, PluginResult, SessionHandle, StepReport,
};

use super::call::{guarded, tensor_with_batch, with_batch, with_session};
use crate::{Geometry, Method, Setup, session::Session, tensor};

pub(super) const fn table<M: Method>() -> MethodV1 {
    MethodV1 {
        create: create::<M>,
        pretrain_step: pretrain_step::<M>,
        encode: encode::<M>,
        save: save::<M>,
        load: load::<M>,
        parameters: parameters::<M>,
        destroy: destroy::<M>,
    }
}

extern "C" fn create<M: Method>(args: &CreateArgs<'_>) -> PluginResult<SessionHandle> {
    guarded("create", || {
        let setup = Setup {
            systems: args.systems.iter().map(Geometry::from).collect(),
            context_frames: args.context_frames as usize,
            future_frames: args.future_frames as usize,
            batch_size: args.batch_size as usize,
            pretrain_steps: args.pretrain_steps,
            device: tensor::open_device(args.device)?,
            seed: args.seed,
            scratch_dir: args.scratch_dir.as_str().into(),
        };
        let session = Session::<M>::new(args.config.as_str(), setup, args.host)?;
        Ok(SessionHandle(Box::into_raw(Box::new(session)).cast()))
    })
}

extern "C" fn pretrain_step<M: Method>(handle: SessionHandle, batch: &BatchView<'_>) -> PluginResult<StepReport> {
    with_batch("pretrain_step", handle, batch, Session::<M>::pretrain_step)
}

extern "C" fn encode<M: Method>(handle: SessionHandle, batch: &BatchView<'_>) -> PluginResult<OwnedTensor> {
    tensor_with_batch::<M>("encode", handle, batch, |session, batch| session.encode(batch))
}

extern "C" fn save<M: Method>(handle: SessionHandle) -> PluginResult<RVec<u8>> {
    with_session::<M, _>("save", handle, |session| Ok(session.save()?.into()))
}

extern "C" fn load<M: Method>(handle: SessionHandle, file: RSlice<'_, u8>, scope: LoadScope) -> PluginResult<()> {
    with_session::<M, _>("load", handle, |session| session.load(file.as_slice(), scope))
}

extern "C" fn parameters<M: Method>(handle: SessionHandle) -> PluginResult<RVec<Parameter>> {
    with_session::<M, _>("parameters", handle, |session| Ok(session.parameters()?.into()))
}

extern "C" fn destroy<M: Method>(handle: SessionHandle) {
    // A panic while dropping cannot be reported; it must not unwind into the host.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: `create` leaked this box, and the host destroys a session once, last.
        drop(unsafe { Box::from_raw(handle.0.cast::<Session<M>>()) });
    }));
}
