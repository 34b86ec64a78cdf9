//! The tables of functions that a library offers, checked before use.

use abi_stable::{StableAbi, abi_stability::abi_checking::check_layout_compatibility};
use physrep_abi::{Interface, RootRef};

/// The table of an interface; none if it was compiled with another layout than this program's.
pub(super) fn table<T: StableAbi>(interface: &Interface) -> Option<&'static T> {
    check_layout_compatibility(T::LAYOUT, interface.layout).ok()?;
    // SAFETY: the layouts were just compared, and tables are of static lifetime in a library that stays open.
    Some(unsafe { &*interface.table.cast::<T>() })
}

/// The table of version 1 of an optional interface; none if the library does not offer it. The error says that it offers one
/// that this program cannot call.
pub(super) fn optional<T: StableAbi>(root: &RootRef, name: &str) -> Result<Option<&'static T>, String> {
    match root.interface()(name.into(), 1).into_option() {
        None => Ok(None),
        Some(interface) => table(&interface).map(Some).ok_or_else(|| foreign_layout(name)),
    }
}

/// The reason to refuse a library whose types have other layouts.
pub(super) fn foreign_layout(what: &str) -> String {
    format!(
        "the ABI types of its {what} are laid out differently from this physrep-bench's, although it claims the same \
         version. Rebuild the plugin against an unmodified physrep-plugin-api of this physrep-bench (`cargo build \
         --release` in its crate)"
    )
}
