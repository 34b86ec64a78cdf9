//! What several tests need: an analytic system with a suite, files and packed data made of it, and a look at errors.

mod errors;
mod findings;
mod folders;
mod packed;
mod waves;
mod well_file;

pub use errors::says;
pub use findings::{inspected, lines};
pub use folders::files;
pub use packed::{every_window, pack_into, packed};
pub use waves::{SUITE, Waves, held_out, planned, published, suite, suite_with};
pub use well_file::{layout, value, write, write_as};
