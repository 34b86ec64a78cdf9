//! A method, in the ABI's own terms, whose `encode` returns an invalid tensor: the configuration says which.

#![allow(missing_docs)]

use std::ptr;

use abi_stable::{
    StableAbi,
    library::{__call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult},
    prefix_type::PrefixTypeTrait,
    std_types::{RNone, ROk, ROption, RSlice, RSome, RStr, RString, RVec},
};
use physrep_abi::{
    BatchView, CreateArgs, DType, Device, Interface, LoadScope, METHOD, MethodV1, OwnedTensor, Parameter, PluginResult,
    Root, RootRef, SessionHandle, StepReport,
};

/// What a session is: whether its tensors have no data, more elements than a `usize` can count, or begin where no value can be.
#[derive(Clone, Copy)]
enum Fault {
    Null,
    Overflow,
    Misaligned,
    Far,
}

extern "C" fn create(args: &CreateArgs<'_>) -> PluginResult<SessionHandle> {
    let config: serde_json::Value = serde_json::from_str(args.config.as_str()).expect("JSON");
    let fault = match config["tensor"].as_str() {
        Some("overflow") => Fault::Overflow,
        Some("misaligned") => Fault::Misaligned,
        Some("far") => Fault::Far,
        _ => Fault::Null,
    };
    ROk(SessionHandle(Box::into_raw(Box::new(fault)).cast()))
}

extern "C" fn pretrain_step(_: SessionHandle, _: &BatchView<'_>) -> PluginResult<StepReport> {
    ROk(StepReport { loss: 0.0, learning_rate: 0.0 })
}

extern "C" fn encode(handle: SessionHandle, batch: &BatchView<'_>) -> PluginResult<OwnedTensor> {
    extern "C" fn release(_: *mut ()) {}
    static VALUE: f32 = 1.0;
    // SAFETY: the handle is one of `create`.
    let fault = unsafe { *handle.0.cast::<Fault>() };
    let clips = batch.clips.shape[0];
    // With B clips, B * 2^61 * 8 elements are none, modulo 2^64.
    let value = (&raw const VALUE).cast();
    let (data, tokens, byte_offset) = match fault {
        Fault::Null => (ptr::null(), 4, 0),
        Fault::Overflow => (value, 1 << 61, 0),
        Fault::Misaligned => (value, 4, 1),
        Fault::Far => (value, 4, u64::MAX - 3),
    };
    ROk(OwnedTensor {
        data,
        device: Device::CPU,
        dtype: DType::F32,
        shape: vec![clips, tokens, 8].into(),
        strides: vec![8i64.wrapping_mul(tokens), 8, 1].into(),
        byte_offset,
        ready_event: 0,
        owner: ptr::null_mut(),
        release,
    })
}

extern "C" fn save(_: SessionHandle) -> PluginResult<RVec<u8>> {
    ROk(RVec::new())
}

extern "C" fn load(_: SessionHandle, _: RSlice<'_, u8>, _: LoadScope) -> PluginResult<()> {
    ROk(())
}

extern "C" fn parameters(_: SessionHandle) -> PluginResult<RVec<Parameter>> {
    ROk(vec![Parameter { name: "encoder.weight".into(), shape: vec![1].into(), encoder: true, checksum: [0; 32] }]
        .into())
}

extern "C" fn destroy(handle: SessionHandle) {
    // SAFETY: the host destroys a session once, last.
    drop(unsafe { Box::from_raw(handle.0.cast::<Fault>()) });
}

static METHOD_TABLE: MethodV1 = MethodV1 { create, pretrain_step, encode, save, load, parameters, destroy };

extern "C" fn describe() -> RString {
    r#"{"name": "hostile-tensors", "config": {"tensor": "null"}}"#.into()
}

extern "C" fn interface(name: RStr<'_>, _version: u32) -> ROption<Interface> {
    match name.as_str() {
        METHOD => RSome(Interface { layout: MethodV1::LAYOUT, table: (&raw const METHOD_TABLE).cast() }),
        _ => RNone,
    }
}

fn root() -> RootRef {
    Root { describe, interface }.leak_into_prefix()
}

extern "C" fn module() -> RootModuleResult {
    __call_root_module_loader(root as fn() -> RootRef)
}

#[unsafe(export_name = "physrep_abi_version")]
extern "C" fn version() -> u64 {
    u64::from(physrep_abi::ABI_MAJOR) << 32
}

// SAFETY: the function returns the root module of this type.
#[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
static HEADER: LibHeader = unsafe { LibHeader::from_constructor::<RootRef>(module, CheckTypeLayout::Yes) };
