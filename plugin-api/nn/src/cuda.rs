//! The operations on NVIDIA GPUs.
//!
//! What runs is planned in plain Rust: a [`plan::Plan`] is a sequence of kernel launches with their grids and
//! arguments. A plan neither needs nor knows a GPU. With the cargo feature `cuda`, `device` runs plans on the GPU; in
//! tests, `emulation` runs the same plans with the same kernel sources on the CPU.
//!
//! - `kernels/`: the CUDA sources, a file for an operation or for several that are alike, and the PTX made by `tools/ptx`.
//! - [`plans`]: one file per kernel source, the plans that launch its kernels.
//! - [`fused`]: operations that consist of several plans and matrix products, and are one node of the autograd graph.
//!
//! Activations are f32 or bf16; parameters, their gradients and all arithmetic are f32. Sums over positions are
//! computed in two stages, always in the same order, so results are the same bytes from run to run.

mod composite;
#[cfg(feature = "cuda")]
mod device;
#[cfg(not(feature = "cuda"))]
#[path = "cuda/no_device.rs"]
mod device;
#[cfg(test)]
mod emulation;
mod execute;
pub(crate) mod fused;
pub(crate) mod handover;
mod plan;
pub(crate) mod plans;
mod storage;
#[cfg(test)]
mod tests;

pub(crate) use device::{in_place, run};
