//! The geometry of a system's clips, and its view for plugins.

use physrep_abi as abi;
use physrep_benchmarks::{packed::PackedHeader, systems::Boundary};
use serde::{Deserialize, Serialize};

/// One channel of a clip: one component of one physical field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelGeometry {
    /// The field that it belongs to, such as `velocity`.
    pub field: String,
    /// Its own name, such as `velocity_x`.
    pub name: String,
    /// Tensor rank of the field: 0 scalar, 1 vector, 2 tensor.
    pub rank: u8,
    /// The indices of the component; unused entries are 0.
    pub component: [u8; 2],
}

/// The geometry of one physical system's clips, `(B, C, T, H, W)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Geometry {
    /// The `C` channels, in order.
    pub channels: Vec<ChannelGeometry>,
    /// Positions of the points along `H` and `W` (non-dimensional).
    pub coordinates: [Vec<f64>; 2],
    /// Boundaries along `H` and `W`.
    pub boundary: [Boundary; 2],
    /// Time between neighbouring frames (non-dimensional).
    pub time_step: f64,
}

impl Geometry {
    /// The geometry of a packed file: `x` along `H`, `y` along `W`.
    pub fn of(header: &PackedHeader) -> Self {
        let channels = header.channels.iter().map(|channel| {
            let component = channel.component as u8;
            ChannelGeometry {
                field: channel.field.clone(),
                name: channel.name.clone(),
                rank: channel.rank.order() as u8,
                component: match channel.rank.order() {
                    0 => [0, 0],
                    1 => [component, 0],
                    _ => [component / 2, component % 2],
                },
            }
        });
        Self {
            channels: channels.collect(),
            coordinates: header.axes.each_ref().map(|axis| axis.coordinates.clone()),
            boundary: header.axes.each_ref().map(|axis| axis.boundary),
            time_step: header.dt,
        }
    }

    /// The geometry of clips of unknown origin: scalar fields on a periodic grid of unit spacing.
    pub fn anonymous(channels: usize, size: [usize; 2]) -> Self {
        let channels = (0..channels).map(|index| {
            let name = format!("channel_{index}");
            ChannelGeometry { field: name.clone(), name, rank: 0, component: [0, 0] }
        });
        Self {
            channels: channels.collect(),
            coordinates: size.map(|points| (0..points).map(|index| index as f64).collect()),
            boundary: [Boundary::Periodic; 2],
            time_step: 1.0,
        }
    }

    /// Points along `H` and `W`.
    pub fn size(&self) -> [usize; 2] {
        self.coordinates.each_ref().map(Vec::len)
    }

    /// The shape of `batch` clips of `frames` frames.
    pub fn shape(&self, batch: usize, frames: usize) -> [usize; 5] {
        let [height, width] = self.size();
        [batch, self.channels.len(), frames, height, width]
    }

    /// The view of the channels for plugins.
    pub(super) fn abi_channels(&self) -> Vec<abi::ChannelView<'_>> {
        let channels = self.channels.iter().map(|channel| abi::ChannelView {
            field: channel.field.as_str().into(),
            name: channel.name.as_str().into(),
            rank: channel.rank,
            component: channel.component,
        });
        channels.collect()
    }

    /// The view of the geometry for plugins, with the channels of [`Self::abi_channels`].
    pub(super) fn abi_system<'a>(&'a self, channels: &'a [abi::ChannelView<'a>]) -> abi::GeometryView<'a> {
        abi::GeometryView {
            channels: channels.into(),
            coordinates: self.coordinates.each_ref().map(|axis| axis.as_slice().into()),
            boundaries: self.boundary.map(|boundary| match boundary {
                Boundary::Periodic => abi::BoundaryCondition::Periodic,
                Boundary::Wall => abi::BoundaryCondition::Wall,
                Boundary::Open => abi::BoundaryCondition::Open,
            }),
            time_step: self.time_step,
        }
    }
}
