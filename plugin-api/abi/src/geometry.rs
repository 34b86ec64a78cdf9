//! What a plugin learns about the physics: channels, grid and boundary conditions, but no system's name and no label.

use abi_stable::{
    StableAbi,
    std_types::{RSlice, RStr},
};

/// The condition at the two ends of an axis.
#[repr(u8)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoundaryCondition {
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
pub struct ChannelView<'a> {
    /// The field that the channel is a component of, such as `velocity`.
    pub field: RStr<'a>,
    /// The channel's own name, such as `velocity_x`.
    pub name: RStr<'a>,
    /// Tensor rank of the field: 0 scalar, 1 vector, 2 tensor.
    pub rank: u8,
    /// Indices of the component; unused entries are 0.
    pub component: [u8; 2],
}

/// The geometry of one physical system's clips, `(B, C, T, H, W)`.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct GeometryView<'a> {
    /// The `C` channels, in the order of the clips' channel axis.
    pub channels: RSlice<'a, ChannelView<'a>>,
    /// Coordinates of the grid points along `H` and `W`, ascending, non-dimensional; not necessarily evenly spaced.
    /// On a periodic axis of `n` evenly spaced points, the distance from the last point to the first, across the
    /// boundary, is one spacing.
    pub coordinates: [RSlice<'a, f64>; 2],
    /// Boundary conditions along `H` and `W`.
    pub boundaries: [BoundaryCondition; 2],
    /// Time between consecutive frames, non-dimensional.
    pub time_step: f64,
}
