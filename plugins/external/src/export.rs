//! What the library exports: the version of the ABI, and the root module.

use abi_stable::{
    StableAbi,
    library::{__call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult},
    prefix_type::PrefixTypeTrait,
    std_types::{RNone, ROption, RSome, RStr, RString},
};
use physrep_abi::{ABI_MAJOR, ABI_MINOR, FINETUNE, FineTuneV1, Interface, METHOD, MethodV1, Root, RootRef};

use crate::tables;

/// The library's own description. The host takes that of a method from its method.toml.
extern "C" fn describe() -> RString {
    let version = env!("CARGO_PKG_VERSION");
    let summary = "Runs methods in another process, from folders with a method.toml.";
    serde_json::json!({ "name": "external", "version": version, "summary": summary, "joint_pretraining": true })
        .to_string()
        .into()
}

extern "C" fn interface(name: RStr<'_>, version: u32) -> ROption<Interface> {
    match (name.as_str(), version) {
        (METHOD, 1) => RSome(Interface { layout: MethodV1::LAYOUT, table: (&raw const tables::METHOD).cast() }),
        (FINETUNE, 1) => RSome(Interface { layout: FineTuneV1::LAYOUT, table: (&raw const tables::FINETUNE).cast() }),
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
    u64::from(ABI_MAJOR) << 32 | u64::from(ABI_MINOR)
}

// The static that abi_stable looks up.
#[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
// SAFETY: `module` returns the root module of the type that the header names.
static HEADER: LibHeader = unsafe { LibHeader::from_constructor::<RootRef>(module, CheckTypeLayout::Yes) };
