//! Synthetic clips and their geometry, as the SDK's types.

use candle_core::Device;
use physrep_conformance::{Clips, SystemShape};

use crate::{Batch, BoundaryCondition, Channel, Geometry, Tensor};

/// The clips as a batch of the system with this index.
pub(super) fn tensor(clips: &Clips, system: usize) -> Batch {
    let clips = Tensor::from_slice(&clips.values, &clips.shape[..], &Device::Cpu);
    Batch { clips: clips.expect("clips have as many values as their shape says"), system }
}

/// Scalar fields on a periodic grid of unit spacing.
pub(super) fn geometry(shape: SystemShape) -> Geometry {
    let channel = |index: usize| {
        let name = format!("channel_{index}");
        Channel { field: name.clone(), name, rank: 0, component: [0, 0] }
    };
    Geometry {
        channels: (0..shape.channels).map(channel).collect(),
        coordinates: shape.size.map(|points| (0..points).map(|index| index as f64).collect()),
        boundaries: [BoundaryCondition::Periodic; 2],
        time_step: 1.0,
    }
}
