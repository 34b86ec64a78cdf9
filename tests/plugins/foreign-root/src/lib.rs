//! Claims the host's ABI version and exports a root module of another layout, as a fork of the ABI crate might.

#![allow(missing_docs)]

use abi_stable::{
    StableAbi,
    library::{__call_root_module_loader, CheckTypeLayout, LibHeader, RootModule, RootModuleResult},
    prefix_type::PrefixTypeTrait,
    sabi_types::VersionStrings,
    std_types::RString,
};

#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = RootRef)))]
pub struct Root {
    #[sabi(last_prefix_field)]
    pub describe: extern "C" fn(verbosity: u32) -> RString,
}

impl RootModule for RootRef {
    abi_stable::declare_root_module_statics! {RootRef}
    const BASE_NAME: &'static str = "physrep";
    const NAME: &'static str = "physrep";
    // A fork may well keep the version.
    const VERSION_STRINGS: VersionStrings = VersionStrings::new("1.0.0");
}

extern "C" fn describe(_verbosity: u32) -> RString {
    "{}".into()
}

fn root() -> RootRef {
    Root { describe }.leak_into_prefix()
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
