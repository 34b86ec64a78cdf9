//! Optional interface, version 1: counts the operations that a library has computed.

use abi_stable::StableAbi;

/// The name under which [`Root::interface`](crate::Root::interface) returns [`CostV1`].
pub const COST: &str = "physrep.cost";

/// Counters of the library, summed over all of its sessions.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct CostV1 {
    /// Floating-point operations so far, counted by the definitions of the operations rather than by the algorithm used.
    /// Which operations count is the plugin's choice. Only the difference of two calls is meaningful.
    pub flops: extern "C" fn() -> u64,
}
