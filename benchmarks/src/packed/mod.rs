//! The packed file: one system's trajectories of all splits, normalised, with their labels, mapped into memory.
//!
//! ```text
//! bytes 0..8    "PHYSPACK"
//! bytes 8..16   length of the header, u64
//! bytes 16..48  BLAKE3 of the header
//! bytes 48..    header, JSON, with BLAKE3 of each trajectory's values; zeros up to the next multiple of 4096
//! then          f32 values of shape (trajectory, channel, time, x, y)
//! ```
//!
//! Everything is little-endian. A clip of a channel is one contiguous piece.
//!
//! [`pack()`] makes it from The Well's files, [`Packed`] reads it.

pub mod clip_noise;
mod crop_resize;
mod current;
mod header;
mod pack;
mod provenance;
mod reader;
mod source_file;
mod source_index;
mod window;
mod window_order;
mod writer;

pub use clip_noise::{NoiseStream, load_clip};
pub use current::packed_before;
pub use header::{FORMAT, PackedAxis, PackedChannel, PackedHeader, PackedTrajectory};
pub use pack::{mark_damaged, pack, packed_file};
pub use reader::Packed;
pub(crate) use reader::is_packed;
pub use window::Window;
pub use window_order::WindowOrder;
