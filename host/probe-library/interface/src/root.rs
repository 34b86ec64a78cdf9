//! What the library exports.

use abi_stable::{StableAbi, library::RootModule, sabi_types::VersionStrings};

use crate::{FitRequest, FitResult};

/// The probe library.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = ProbeLibraryRef)))]
pub struct ProbeLibrary {
    /// Whether it was built for GPUs, beside the CPU.
    pub cuda: bool,
    /// Fits a probe with each of the request's seeds. May be called from several threads at once.
    #[sabi(last_prefix_field)]
    pub fit: extern "C" fn(request: &FitRequest<'_>) -> FitResult,
}

impl RootModule for ProbeLibraryRef {
    abi_stable::declare_root_module_statics! {ProbeLibraryRef}
    const BASE_NAME: &'static str = "physrep_probe_library";
    const NAME: &'static str = "physrep_probe_library";
    const VERSION_STRINGS: VersionStrings = VersionStrings::new("1.0.0");
}
