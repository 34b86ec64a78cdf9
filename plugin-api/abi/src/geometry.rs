//! What a plugin is told about the physics: channels, grid and boundaries, but no system's name and no label.

use abi_stable::{
    StableAbi,
    std_types::{RSlice, RStr},
};

/// What happens at the two ends of an axis.
#[repr(u8)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// The last point is a neighbour of the first.
    Periodic,
    /// Solid walls.
    Wall,
    /// Open ends.
    Open,
}

/// One channel of a clip: one component of one physical field.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct Channel<'a> {
    /// The field it belongs to, such as `velocity`.
    pub field: RStr<'a>,
    /// Its own name, such as `velocity_x`.
    pub name: RStr<'a>,
    /// Tensor rank of the field: 0 scalar, 1 vector, 2 tensor.
    pub rank: u8,
    /// Which component it is: unused entries are 0.
    pub component: [u8; 2],
}

/// The geometry of one physical system's clips, `(B, C, T, H, W)`.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct System<'a> {
    /// The `C` channels, in the order in which clips hold them.
    pub channels: RSlice<'a, Channel<'a>>,
    /// Positions of the points along `H` and `W`, ascending, in the system's non-dimensional length; evenly spaced or not.
    /// Around a periodic axis of `n` evenly spaced points, the last is as far from the first as any two neighbours.
    pub coordinates: [RSlice<'a, f64>; 2],
    /// Boundaries along `H` and `W`.
    pub boundary: [Boundary; 2],
    /// Time between neighbouring frames, in the system's non-dimensional time.
    pub time_step: f64,
}
