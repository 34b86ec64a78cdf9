//! A method's dynamic library: opening it, its description, and safe calls into its sessions.

mod callbacks;
mod end_to_end;
mod geometry;
mod interface;
mod library;
mod session;

pub use callbacks::Callbacks;
pub(crate) use callbacks::log_method;
pub use geometry::Geometry;
pub use library::Plugin;
pub use session::{Session, SessionSpec};
