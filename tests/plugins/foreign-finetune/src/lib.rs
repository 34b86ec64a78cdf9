//! Exports the right root module and the right method table, and a table of another layout for the optional interface of fine-tuning.
//! Nothing of it may be called.

#![allow(missing_docs)]

use abi_stable::{
    StableAbi,
    library::{__call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult},
    prefix_type::PrefixTypeTrait,
    std_types::{RNone, ROption, RSlice, RSome, RStr, RString, RVec},
};
use physrep_abi::{
    BatchView, CreateArgs, FINETUNE, Interface, LoadScope, METHOD, MethodV1, OwnedTensor, Parameter, PluginResult,
    Root, RootRef, SessionHandle, StepReport,
};

/// As a fork of the ABI crate might have it.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct FineTuneV1 {
    pub begin: extern "C" fn(rate: f64) -> u64,
}

extern "C" fn begin(_rate: f64) -> u64 {
    unreachable!("the layout is another")
}

extern "C" fn create(_: &CreateArgs<'_>) -> PluginResult<SessionHandle> {
    unreachable!("the library is rejected")
}
extern "C" fn pretrain_step(_: SessionHandle, _: &BatchView<'_>) -> PluginResult<StepReport> {
    unreachable!("there is no session")
}
extern "C" fn encode(_: SessionHandle, _: &BatchView<'_>) -> PluginResult<OwnedTensor> {
    unreachable!("there is no session")
}
extern "C" fn save(_: SessionHandle) -> PluginResult<RVec<u8>> {
    unreachable!("there is no session")
}
extern "C" fn load(_: SessionHandle, _: RSlice<'_, u8>, _: LoadScope) -> PluginResult<()> {
    unreachable!("there is no session")
}
extern "C" fn parameters(_: SessionHandle) -> PluginResult<RVec<Parameter>> {
    unreachable!("there is no session")
}
extern "C" fn destroy(_: SessionHandle) {
    unreachable!("there is no session")
}

static METHOD_TABLE: MethodV1 = MethodV1 { create, pretrain_step, encode, save, load, parameters, destroy };
static FINETUNE_TABLE: FineTuneV1 = FineTuneV1 { begin };

extern "C" fn describe() -> RString {
    r#"{"name": "foreign-finetune"}"#.into()
}

extern "C" fn interface(name: RStr<'_>, _version: u32) -> ROption<Interface> {
    match name.as_str() {
        METHOD => RSome(Interface { layout: MethodV1::LAYOUT, table: (&raw const METHOD_TABLE).cast() }),
        FINETUNE => RSome(Interface { layout: FineTuneV1::LAYOUT, table: (&raw const FINETUNE_TABLE).cast() }),
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
