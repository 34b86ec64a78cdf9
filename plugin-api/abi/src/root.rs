//! The root module: what every plugin exports, frozen for ever.

use abi_stable::{
    StableAbi,
    library::RootModule,
    package_version_strings,
    sabi_types::VersionStrings,
    std_types::{ROption, RStr, RString},
    type_layout::TypeLayout,
};

/// A host loads plugins of its own major version only.
pub const ABI_MAJOR: u32 = 1;
/// Counts interfaces added within a major version.
pub const ABI_MINOR: u32 = 2;

/// The C function that a host calls before anything else.
pub const VERSION_SYMBOL: &str = "physrep_abi_version";

/// The type of [`VERSION_SYMBOL`]: the major version in the upper 32 bits, the minor one in the lower.
pub type VersionFn = unsafe extern "C" fn() -> u64;

/// The answer to an interface query: a table of functions, and the layout its maker compiled it with.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct Interface {
    /// The layout of `table`'s type, to compare with one's own before `table` is read.
    pub layout: &'static TypeLayout,
    /// The table, of static lifetime.
    pub table: *const (),
}

// SAFETY: `table` points to immutable data of static lifetime.
unsafe impl Send for Interface {}
unsafe impl Sync for Interface {}

/// What a plugin exports.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = Root_Ref)))]
pub struct Root {
    /// Who the plugin is, as a JSON object with at least `name`; what else it holds may grow freely.
    pub describe: extern "C" fn() -> RString,
    /// The table of functions of that name and version, if the plugin has it.
    #[sabi(last_prefix_field)]
    pub interface: extern "C" fn(name: RStr<'_>, version: u32) -> ROption<Interface>,
}

impl RootModule for Root_Ref {
    abi_stable::declare_root_module_statics! {Root_Ref}
    const BASE_NAME: &'static str = "physrep";
    const NAME: &'static str = "physrep";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}
