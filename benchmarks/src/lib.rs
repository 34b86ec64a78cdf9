#![doc = include_str!("../README.md")]

mod atomic_file;
mod error;
pub mod file_lock;
pub mod generate;
pub mod inspect;
pub mod label_scale;
pub mod name;
pub mod packed;
pub mod printable;
mod progress;
mod regime;
pub mod regular_file;
mod split;
pub mod suggestion;
pub mod suite;
pub mod systems;
pub mod well;

pub use error::{Error, Result, advice};
pub use progress::Progress;
pub use regime::Regime;
pub use split::{PerSplit, Split};
