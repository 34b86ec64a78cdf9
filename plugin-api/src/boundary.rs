//! The exported side of a plugin: a [`Method`] as the boundary's table of functions.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use abi_stable::{
    StableAbi,
    prefix_type::PrefixTypeTrait,
    std_types::{RErr, RNone, ROk, ROption, RSlice, RSome, RStr, RString, RVec},
};
use physrep_abi::{
    ABI_MAJOR, ABI_MINOR, Batch, COST, CostV1, CreateArgs, ErrorCode, FINETUNE, FineTuneArgs, FineTuneV1, Interface,
    LoadScope, METHOD, MethodV1, OwnedTensor, Parameter, PluginError, PluginResult, Root, Root_Ref, Session as Handle,
    StepReport, TensorView,
};

use physrep_nn::AdamWConfig;

use crate::{Method, Result, Setup, System, session::Session, tensor};

/// The version that [`export_method!`](crate::export_method) exports for the host to read first.
pub const VERSION: u64 = (ABI_MAJOR as u64) << 32 | ABI_MINOR as u64;

/// The root module of a plugin whose method is `M`.
pub fn root<M: Method>() -> Root_Ref {
    Root { describe: describe::<M>, interface: interface::<M> }.leak_into_prefix()
}

extern "C" fn describe<M: Method>() -> RString {
    let config = serde_json::to_value(M::Config::default()).unwrap_or_default();
    serde_json::json!({
        "name": M::ABOUT.name,
        "summary": M::ABOUT.summary,
        "reference": M::ABOUT.reference,
        "joint": M::JOINT,
        "reads_on_card": tensor::READS_ON_CARD,
        "config": config,
        "sdk": env!("CARGO_PKG_VERSION"),
        "tensors": "candle 0.11",
    })
    .to_string()
    .into()
}

extern "C" fn interface<M: Method>(name: RStr<'_>, version: u32) -> ROption<Interface> {
    match (name.as_str(), version) {
        (METHOD, 1) => RSome(Interface {
            layout: <MethodV1 as StableAbi>::LAYOUT,
            table: (&raw const *const { &table::<M>() }).cast(),
        }),
        (COST, 1) => RSome(Interface {
            layout: <CostV1 as StableAbi>::LAYOUT,
            table: (&raw const *const { &CostV1 { flops } }).cast(),
        }),
        (FINETUNE, 1) => RSome(Interface {
            layout: <FineTuneV1 as StableAbi>::LAYOUT,
            table: (&raw const *const { &finetune_table::<M>() }).cast(),
        }),
        _ => RNone,
    }
}

extern "C" fn flops() -> u64 {
    physrep_nn::flops::total()
}

const fn table<M: Method>() -> MethodV1 {
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

const fn finetune_table<M: Method>() -> FineTuneV1 {
    FineTuneV1 {
        begin: begin_finetuning::<M>,
        encode: encode_with_gradient::<M>,
        backward: backward::<M>,
        apply: apply_gradients::<M>,
    }
}

extern "C" fn create<M: Method>(args: &CreateArgs<'_>) -> PluginResult<Handle> {
    guard("create", || {
        let setup = Setup {
            systems: args.systems.iter().map(System::from).collect(),
            context_frames: args.context_frames as usize,
            future_frames: args.future_frames as usize,
            batch: args.batch as usize,
            steps: args.steps,
            device: tensor::device(args.device)?,
            seed: args.seed,
            scratch: args.scratch.as_str().into(),
        };
        let session = Session::<M>::new(args.config.as_str(), setup, args.host)?;
        Ok(Handle(Box::into_raw(Box::new(session)).cast()))
    })
}

/// The session behind a handle.
///
/// # Safety
///
/// `handle` came from [`create`] of the same `M`, was not destroyed, and no other reference to it is alive.
unsafe fn session<'a, M>(handle: Handle) -> &'a mut Session<M> {
    unsafe { &mut *handle.0.cast() }
}

fn batch<M: Method>(session: &Session<M>, batch: &Batch<'_>) -> Result<crate::Batch> {
    Ok(crate::Batch { clips: tensor::from_view(&batch.clips, session.device())?, system: batch.system as usize })
}

extern "C" fn pretrain_step<M: Method>(handle: Handle, clips: &Batch<'_>) -> PluginResult<StepReport> {
    guard("pretrain_step", || {
        // SAFETY: the host keeps to the rules of a session.
        let session = unsafe { session::<M>(handle) };
        let batch = batch(session, clips)?;
        session.pretrain_step(&batch)
    })
}

extern "C" fn encode<M: Method>(handle: Handle, clips: &Batch<'_>) -> PluginResult<OwnedTensor> {
    guard("encode", || {
        // SAFETY: the host keeps to the rules of a session.
        let session = unsafe { session::<M>(handle) };
        let batch = batch(session, clips)?;
        tensor::into_owned(&session.encode(&batch)?)
    })
}

extern "C" fn save<M: Method>(handle: Handle) -> PluginResult<RVec<u8>> {
    guard("save", || {
        // SAFETY: the host keeps to the rules of a session.
        Ok(unsafe { session::<M>(handle) }.save()?.into())
    })
}

extern "C" fn load<M: Method>(handle: Handle, file: RSlice<'_, u8>, scope: LoadScope) -> PluginResult<()> {
    guard("load", || {
        // SAFETY: the host keeps to the rules of a session.
        unsafe { session::<M>(handle) }.load(file.as_slice(), scope)
    })
}

extern "C" fn parameters<M: Method>(handle: Handle) -> PluginResult<RVec<Parameter>> {
    guard("parameters", || {
        // SAFETY: the host keeps to the rules of a session.
        Ok(unsafe { session::<M>(handle) }.parameters()?.into())
    })
}

extern "C" fn destroy<M: Method>(handle: Handle) {
    // A panic while dropping is the one failure nobody can be told of; it must not unwind into the host.
    let _ = catch_unwind(|| {
        // SAFETY: the host destroys a session once, last.
        drop(unsafe { Box::from_raw(handle.0.cast::<Session<M>>()) });
    });
}

extern "C" fn begin_finetuning<M: Method>(handle: Handle, args: &FineTuneArgs) -> PluginResult<()> {
    guard("begin", || {
        let FineTuneArgs { beta1, beta2, eps, weight_decay } = *args;
        let config = AdamWConfig { beta1, beta2, eps, weight_decay, ..AdamWConfig::default() };
        // SAFETY: the host keeps to the rules of a session.
        unsafe { session::<M>(handle) }.begin_finetuning(config)
    })
}

extern "C" fn encode_with_gradient<M: Method>(handle: Handle, clips: &Batch<'_>) -> PluginResult<OwnedTensor> {
    guard("encode", || {
        // SAFETY: the host keeps to the rules of a session.
        let session = unsafe { session::<M>(handle) };
        let batch = batch(session, clips)?;
        tensor::into_owned(&session.encode_with_gradient(&batch)?)
    })
}

extern "C" fn backward<M: Method>(handle: Handle, gradient: &TensorView<'_>) -> PluginResult<()> {
    guard("backward", || {
        // SAFETY: the host keeps to the rules of a session.
        let session = unsafe { session::<M>(handle) };
        let gradient = tensor::from_view(gradient, session.device())?;
        session.backward(&gradient)
    })
}

extern "C" fn apply_gradients<M: Method>(handle: Handle, learning_rate: f64) -> PluginResult<()> {
    guard("apply", || {
        // SAFETY: the host keeps to the rules of a session.
        unsafe { session::<M>(handle) }.apply_gradients(learning_rate)
    })
}

/// Runs one exported function: errors and panics become the boundary's error.
fn guard<T>(operation: &str, run: impl FnOnce() -> Result<T>) -> PluginResult<T> {
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

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}

/// Makes a [`Method`] the one that this library exports.
///
/// Takes the type that implements it; stands once in a `cdylib` crate.
#[macro_export]
macro_rules! export_method {
    ($method:ty) => {
        const _: () = {
            use $crate::__private::{LibHeader, Root_Ref, RootModuleResult, VERSION};

            #[unsafe(export_name = "physrep_abi_version")]
            extern "C" fn version() -> u64 {
                VERSION
            }

            extern "C" fn module() -> RootModuleResult {
                $crate::__private::call_root_module_loader($crate::__private::root::<$method> as fn() -> Root_Ref)
            }

            // The static that abi_stable looks up. Its own attribute spells `no_mangle` as editions before 2024 did,
            // and needs abi_stable among the author's dependencies.
            #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
            static HEADER: LibHeader =
                unsafe { LibHeader::from_constructor::<Root_Ref>(module, $crate::__private::CheckTypeLayout::Yes) };
        };
    };
}
