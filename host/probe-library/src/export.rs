//! What the library exports: errors and panics become text, and nothing unwinds into the program.

use std::panic::{AssertUnwindSafe, catch_unwind};

use abi_stable::{
    library::{__call_root_module_loader as call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult},
    prefix_type::PrefixTypeTrait,
    std_types::{RErr, ROk},
};
use physrep_probe_interface::{FitRequest, FitResult, ProbeLibrary, ProbeLibraryRef};

use crate::fit;

extern "C" fn fit(request: &FitRequest<'_>) -> FitResult {
    match catch_unwind(AssertUnwindSafe(|| fit::fit(request))) {
        Ok(Ok(fits)) => ROk(fits.into()),
        Ok(Err(error)) => RErr(error.to_string().into()),
        // The panic's own message is in the cell's log.
        Err(_) => RErr("it panicked; the log has the reason".into()),
    }
}

fn root() -> ProbeLibraryRef {
    ProbeLibrary { cuda: cfg!(feature = "cuda"), fit }.leak_into_prefix()
}

extern "C" fn module() -> RootModuleResult {
    call_root_module_loader(root as fn() -> ProbeLibraryRef)
}

/// The static that abi_stable looks up; its own attribute spells `no_mangle` as editions before 2024 did.
#[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
static HEADER: LibHeader =
    // SAFETY: `module` returns the root module of the type that the header names.
    unsafe { LibHeader::from_constructor::<ProbeLibraryRef>(module, CheckTypeLayout::Yes) };
