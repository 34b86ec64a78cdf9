//! A method's dynamic library: its description, opening it, and safe calls into its sessions.

mod callbacks;
mod describe;
mod end_to_end;
mod geometry;
mod interface;
mod library;
mod method_code;
mod method_folder;
mod method_library;
mod session;

pub use callbacks::Callbacks;
pub(crate) use callbacks::log_method;
pub use describe::{describe_in_this_process, describe_library};
pub use geometry::Geometry;
pub(crate) use library::Plugin;
pub use method_code::MethodCode;
pub(crate) use method_folder::MethodFolder;
pub use method_library::MethodLibrary;
pub use session::{EncodedTokens, Session, SessionSpec};
