//! The function tables of a plugin's library, checked before use.

use abi_stable::{StableAbi, abi_stability::abi_checking::check_layout_compatibility};
use physrep_abi::{COST, CostV1, FINETUNE, FineTuneV1, Interface, METHOD, MethodV1, RootRef};

/// The interfaces of a library that this program uses; all but the first are optional.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interfaces {
    pub method: &'static MethodV1,
    pub cost: Option<&'static CostV1>,
    pub finetune: Option<&'static FineTuneV1>,
}

impl Interfaces {
    /// Asks a library for its interfaces.
    ///
    /// # Errors
    ///
    /// If it does not offer the interface of a method, or any interface with another layout.
    pub fn of(root: &RootRef) -> Result<Self, String> {
        let method = optional(root, METHOD)?.ok_or_else(|| {
            format!("it offers no version of `{METHOD}` that this physrep-bench knows (1); update physrep-bench")
        })?;
        Ok(Self { method, cost: optional(root, COST)?, finetune: optional(root, FINETUNE)? })
    }
}

/// The function table of an interface; none if its layout differs from this program's.
fn table<T: StableAbi>(interface: &Interface) -> Option<&'static T> {
    check_layout_compatibility(T::LAYOUT, interface.layout).ok()?;
    // SAFETY: the layouts are compatible, and tables are static in a library that is never closed.
    Some(unsafe { &*interface.table.cast::<T>() })
}

/// The function table of version 1 of an interface; none if the library does not offer it.
///
/// # Errors
///
/// If it offers the interface with another layout.
fn optional<T: StableAbi>(root: &RootRef, name: &str) -> Result<Option<&'static T>, String> {
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
