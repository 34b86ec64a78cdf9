//! Exports the right root module, whose interface query returns a table of another layout.

#![allow(missing_docs)]

use abi_stable::{
    StableAbi,
    library::{__call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult},
    prefix_type::PrefixTypeTrait,
    std_types::{ROption, RSome, RStr, RString},
};
use physrep_abi::{Interface, Root, RootRef};

#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct MethodV1 {
    pub create: extern "C" fn(seed: u64) -> u64,
}

extern "C" fn create(seed: u64) -> u64 {
    seed
}

static TABLE: MethodV1 = MethodV1 { create };

extern "C" fn describe() -> RString {
    r#"{"name": "foreign"}"#.into()
}

extern "C" fn interface(_name: RStr<'_>, _version: u32) -> ROption<Interface> {
    RSome(Interface { layout: <MethodV1 as StableAbi>::LAYOUT, table: (&raw const TABLE).cast() })
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

#[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
// SAFETY: `module` returns the root module of the type that the header names.
static HEADER: LibHeader = unsafe { LibHeader::from_constructor::<RootRef>(module, CheckTypeLayout::Yes) };
