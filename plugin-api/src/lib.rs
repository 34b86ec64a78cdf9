#![doc = include_str!("../README.md")]

mod config;
mod error;
mod export;
mod geometry;
mod method;
mod session;
mod setup;
mod step;
mod tensor;
pub mod testing;
mod training;

pub use candle_core::{self, DType, Device, Tensor};
pub use error::{Error, Result};
pub use geometry::{BoundaryCondition, Channel, Geometry};
pub use method::{About, Batch, Method};
pub use physrep_nn::{self as nn, Params};
pub use setup::Setup;
pub use step::Step;
pub use training::Training;

/// What [`export_method!`] expands to; not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::export::{ABI_VERSION, Package, root};
    pub use abi_stable::library::{
        __call_root_module_loader as call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult,
    };
    pub use physrep_abi::RootRef;
    pub use serde_json::json;
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_readme_shows_the_example_as_it_is() {
        let (readme, example) = (include_str!("../README.md"), include_str!("../examples/forecast.rs"));
        assert!(readme.contains(&format!("```rust\n{example}```")));
        assert!(example.lines().count() < 60);
    }
}
