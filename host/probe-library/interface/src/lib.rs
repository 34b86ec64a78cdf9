#![doc = include_str!("../README.md")]

mod fit;
mod root;

pub use fit::{Fit, FitRequest, FitResult, SplitView};
pub use root::{ProbeLibrary, ProbeLibraryRef};
