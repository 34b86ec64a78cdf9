//! What a method learns about the physics: channels, grid and boundary conditions of each system.

use physrep_abi::{ChannelView, GeometryView};

pub use physrep_abi::BoundaryCondition;

/// One channel of a clip: one component of one physical field.
#[derive(Clone, Debug)]
pub struct Channel {
    /// The field that the channel is a component of, such as `velocity`.
    pub field: String,
    /// The channel's own name, such as `velocity_x`.
    pub name: String,
    /// Tensor rank of the field: 0 scalar, 1 vector, 2 tensor.
    pub rank: u8,
    /// Indices of the component; unused entries are 0.
    pub component: [u8; 2],
}

/// The geometry of one physical system's clips, `(B, C, T, H, W)`.
#[derive(Clone, Debug)]
pub struct Geometry {
    /// The `C` channels, in the order of the clips' channel axis.
    pub channels: Vec<Channel>,
    /// Coordinates of the grid points along `H` and `W`, ascending, non-dimensional; not necessarily evenly spaced.
    pub coordinates: [Vec<f64>; 2],
    /// Boundary conditions along `H` and `W`.
    pub boundaries: [BoundaryCondition; 2],
    /// Time between consecutive frames, non-dimensional.
    pub time_step: f64,
}

impl Geometry {
    /// Grid points along `H` and `W`.
    pub fn size(&self) -> [usize; 2] {
        self.coordinates.each_ref().map(Vec::len)
    }
}

impl From<&ChannelView<'_>> for Channel {
    fn from(channel: &ChannelView<'_>) -> Self {
        Self {
            field: channel.field.to_string(),
            name: channel.name.to_string(),
            rank: channel.rank,
            component: channel.component,
        }
    }
}

impl From<&GeometryView<'_>> for Geometry {
    fn from(geometry: &GeometryView<'_>) -> Self {
        Self {
            channels: geometry.channels.iter().map(Channel::from).collect(),
            coordinates: geometry.coordinates.map(|axis| axis.to_vec()),
            boundaries: geometry.boundaries,
            time_step: geometry.time_step,
        }
    }
}
