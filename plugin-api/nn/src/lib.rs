#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod cpu;
mod cuda;
mod init;
mod layers;
mod memory;
mod objectives;
mod ops;
mod params;
mod rng;
mod shape;
mod threads;
mod train;

pub mod flops;

pub use cpu::simd::{has_vector_kernels, instruction_set};
pub use init::Init;
pub use layers::*;
pub use memory::retain_heap_memory;
pub use objectives::*;
pub use ops::*;
pub use params::Params;
pub use rng::Rng;
pub use shape::{Axis, Edge};
pub use threads::on_compute_threads;
pub use train::*;
