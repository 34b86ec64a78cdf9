//! A method's dynamic library: opening it, what it says of itself, and safe calls into its sessions.

mod end_to_end;
mod geometry;
mod interface;
mod library;
mod session;

pub use geometry::Geometry;
pub use library::Plugin;
pub use session::{Callbacks, Session, SessionSpec, Tokens};
