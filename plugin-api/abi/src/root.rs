//! The root module, which every plugin exports and which is frozen for ever, and the list of interfaces, which grows.

use abi_stable::{
    StableAbi,
    library::RootModule,
    sabi_types::VersionStrings,
    std_types::{ROption, RStr, RString},
    type_layout::TypeLayout,
};

use crate::{cost::COST, finetune::FINETUNE, method::METHOD};

/// The interfaces of this version, in the order in which they were added.
pub const INTERFACES: [&str; 3] = [METHOD, COST, FINETUNE];

/// A host loads plugins of its own major version only.
pub const ABI_MAJOR: u32 = 1;
/// Counts the interfaces that were added within the major version, which began with three.
pub const ABI_MINOR: u32 = INTERFACES.len() as u32 - 3;

/// The C function that a host calls before any other.
pub const VERSION_SYMBOL: &str = "physrep_abi_version";

/// The type of [`VERSION_SYMBOL`]: returns the major version in the upper 32 bits and the minor version in the lower.
pub type VersionFn = unsafe extern "C" fn() -> u64;

/// The answer to an interface query: a table of functions, and the layout it was compiled with.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct Interface {
    /// The layout of the table's type; compare it with your own before you read `table`.
    pub layout: &'static TypeLayout,
    /// The table, valid as long as the library is loaded.
    pub table: *const (),
}

// SAFETY: `table` points to immutable data of static lifetime.
unsafe impl Send for Interface {}
// SAFETY: as above.
unsafe impl Sync for Interface {}

/// What a plugin exports.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = RootRef)))]
pub struct Root {
    /// Describes the method as a JSON object; the crate's documentation lists its keys.
    pub describe: extern "C" fn() -> RString,
    /// The table of functions of that name and version, if the plugin has it.
    #[sabi(last_prefix_field)]
    pub interface: extern "C" fn(name: RStr<'_>, version: u32) -> ROption<Interface>,
}

impl RootModule for RootRef {
    abi_stable::declare_root_module_statics! {RootRef}
    const BASE_NAME: &'static str = "physrep";
    const NAME: &'static str = "physrep";
    // The root module's own version. Were it the ABI's, abi_stable would refuse plugins of earlier minor versions.
    const VERSION_STRINGS: VersionStrings = VersionStrings::new("1.0.0");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_has_the_version_of_the_abi() {
        assert_eq!(env!("CARGO_PKG_VERSION"), format!("{ABI_MAJOR}.{ABI_MINOR}.0"));
    }
}
