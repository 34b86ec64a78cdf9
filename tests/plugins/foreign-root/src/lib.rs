//! Claims the host's ABI version and exports a root module of another layout, as a fork of the ABI crate might.

#![allow(non_camel_case_types, missing_docs)]

use abi_stable::{
    StableAbi,
    library::{__call_root_module_loader, CheckTypeLayout, LibHeader, RootModule, RootModuleResult},
    prefix_type::PrefixTypeTrait,
    sabi_types::VersionStrings,
    std_types::RString,
};

#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = Root_Ref)))]
pub struct Root {
    #[sabi(last_prefix_field)]
    pub describe: extern "C" fn(verbosity: u32) -> RString,
}

impl RootModule for Root_Ref {
    abi_stable::declare_root_module_statics! {Root_Ref}
    const BASE_NAME: &'static str = "physrep";
    const NAME: &'static str = "physrep";
    // A fork may well keep the number.
    const VERSION_STRINGS: VersionStrings = VersionStrings::new("1.0.0");
}

extern "C" fn describe(_verbosity: u32) -> RString {
    "{}".into()
}

fn root() -> Root_Ref {
    Root { describe }.leak_into_prefix()
}

extern "C" fn module() -> RootModuleResult {
    __call_root_module_loader(root as fn() -> Root_Ref)
}

#[unsafe(export_name = "physrep_abi_version")]
extern "C" fn version() -> u64 {
    u64::from(physrep_abi::ABI_MAJOR) << 32
}

#[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
static HEADER: LibHeader = unsafe { LibHeader::from_constructor::<Root_Ref>(module, CheckTypeLayout::Yes) };
