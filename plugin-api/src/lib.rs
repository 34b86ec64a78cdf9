#![doc = include_str!("../README.md")]

mod boundary;
mod error;
mod method;
mod session;
mod setup;
mod tensor;
mod training;

pub use candle_core::{self, Device, Tensor};
pub use error::{Error, Result};
pub use method::{About, Batch, Method};
pub use physrep_nn::{self as nn, Params};
pub use setup::{Boundary, Channel, Setup, Step, System};
pub use training::Training;

/// What [`export_method!`] expands to; not for anyone else.
#[doc(hidden)]
pub mod __private {
    pub use crate::boundary::{VERSION, root};
    pub use abi_stable::library::{
        __call_root_module_loader as call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult,
    };
    pub use physrep_abi::Root_Ref;
}
