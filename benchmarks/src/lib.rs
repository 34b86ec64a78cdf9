//! The physical systems of physrep-bench: their data in The Well's files, their suites, and the packed windows that
//! methods train on.
//!
//! Data flows one way: a [`suite::Suite`] says what is wanted, [`generate::generate`] solves the equations of a
//! [`systems::System`] into [`well`] files, [`packed::pack`] turns those into one memory-mapped file, and
//! [`packed::Packed`] hands out windows and labels.

mod atomic_file;
mod error;
pub mod generate;
pub mod inspect;
pub mod labels;
pub mod packed;
mod progress;
mod seeding;
mod split;
pub mod suite;
pub mod systems;
pub mod well;

pub use error::{Error, Result};
pub use progress::Progress;
pub use split::{PerSplit, Split};
