//! The interface that tells what computing costs, version 1. A plugin may lack it.

use abi_stable::StableAbi;

/// The interface's name for [`Root::interface`](crate::Root::interface).
pub const COST: &str = "physrep.cost";

/// Counters of the library, over all of its sessions.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct CostV1 {
    /// Floating-point operations that the definitions of what was computed so far ask for; what is counted is the
    /// plugin's to say. Only differences between two calls mean anything.
    pub flops: extern "C" fn() -> u64,
}
