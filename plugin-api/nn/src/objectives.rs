//! Training objectives.

pub mod sigreg;
mod squared_error;
mod vicreg;

pub use squared_error::mean_squared_error;
#[cfg(test)]
pub(crate) use vicreg::weighted;
pub use vicreg::{VicReg, VicRegConfig, vicreg};
