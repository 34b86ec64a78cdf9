//! The function tables of a plugin's library, checked before use.

use abi_stable::{StableAbi, abi_stability::abi_checking::check_layout_compatibility};
use physrep_abi::{Interface, RootRef};

/// The function table of an interface; none if its layout differs from this program's.
pub(super) fn table<T: StableAbi>(interface: &Interface) -> Option<&'static T> {
    check_layout_compatibility(T::LAYOUT, interface.layout).ok()?;
    // SAFETY: the layouts are compatible, and tables are static in a library that is never closed.
    Some(unsafe { &*interface.table.cast::<T>() })
}

/// The function table of version 1 of an optional interface; none if the library does not offer it.
///
/// # Errors
///
/// If it offers the interface with another layout.
pub(super) fn optional<T: StableAbi>(root: &RootRef, name: &str) -> Result<Option<&'static T>, String> {
    match root.interface()(name.into(), 1).into_option() {
        None => Ok(None),
        Some(interface) => table(&interface).map(Some).ok_or_else(|| foreign_layout(name)),
    }
}

/// The error text for a library whose types have other layouts.
pub(super) fn foreign_layout(what: &str) -> String {
    format!(
        "the ABI types of its {what} are laid out differently from this physrep-bench's, although it claims the same \
         version. Rebuild the plugin against an unmodified physrep-plugin-api of this physrep-bench (`cargo build \
         --release` in its crate)"
    )
}
