//! The functions of [`FineTuneV1`] for a [`Method`].

use physrep_abi::{BatchView, FineTuneArgs, FineTuneV1, OwnedTensor, PluginResult, SessionHandle, TensorView};
use physrep_nn::AdamWConfig;

use super::call::{guarded, on_session, session, tensor_with_batch, with_session};
use crate::{Method, session::Session, tensor};

pub(super) const fn table<M: Method>() -> FineTuneV1 {
    FineTuneV1 {
        begin: begin::<M>,
        encode_forward: encode_forward::<M>,
        encode_backward: encode_backward::<M>,
        apply_gradients: apply_gradients::<M>,
    }
}

extern "C" fn begin<M: Method>(handle: SessionHandle, args: &FineTuneArgs) -> PluginResult<()> {
    with_session::<M, _>("begin", handle, |session| {
        let FineTuneArgs { beta1, beta2, eps, weight_decay } = *args;
        session.begin_finetuning(AdamWConfig { beta1, beta2, eps, weight_decay, ..AdamWConfig::default() })
    })
}

extern "C" fn encode_forward<M: Method>(handle: SessionHandle, batch: &BatchView<'_>) -> PluginResult<OwnedTensor> {
    tensor_with_batch("encode_forward", handle, batch, Session::<M>::encode_forward)
}

extern "C" fn encode_backward<M: Method>(handle: SessionHandle, gradient: &TensorView<'_>) -> PluginResult<()> {
    guarded("encode_backward", || {
        let gradient = tensor::from_view(gradient, session::<M>(handle).device())?;
        on_session::<M, _>(handle, |session| session.encode_backward(&gradient))
    })
}

extern "C" fn apply_gradients<M: Method>(handle: SessionHandle, learning_rate: f64) -> PluginResult<()> {
    with_session::<M, _>("apply_gradients", handle, |session| session.apply_gradients(learning_rate))
}
