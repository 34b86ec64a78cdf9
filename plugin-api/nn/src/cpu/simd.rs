//! Vector registers: a kernel is written once and compiled for every instruction set; the widest one that the machine
//! has is chosen at run time.

mod isa;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod register;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use isa::{Float, Isa};
pub use isa::{has_vector_kernels, instruction_set};
pub(crate) use vector::{Kernel, Vector, load, load_some, prefetch, store, store_some};
