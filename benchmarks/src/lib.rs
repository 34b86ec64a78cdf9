//! The physical systems of physrep-bench: their data in The Well's files, their suites, and the packed windows that
//! methods train on.
//!
//! Data flows one way: a [`suite::Suite`] says what is wanted, [`generate::generate`] solves the equations of a
//! [`systems::System`] into [`well`] files, [`pack::pack`] turns those into one memory-mapped file, and
//! [`packed::Packed`] hands out windows and labels.

mod atomic_file;
pub mod error;
pub mod generate;
pub mod inspect;
pub mod labels;
pub mod order;
pub mod pack;
pub mod packed;
mod parts;
pub mod progress;
mod seeding;
mod settings;
pub mod split;
pub mod suite;
pub mod systems;
pub mod view;
pub mod well;
pub mod windows;

pub use error::{Error, Result};
